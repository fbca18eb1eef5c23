# Dagster on Fargate: three tasks of one image. Only the code server has rights on the archive, since runs are its processes.

locals {
  ecs = var.image != "" && length(var.subnets) > 0 && !var.lambda
  parts = local.ecs ? {
    code-server = { cpu = 1024, memory = 4096, port = 4000, role = aws_iam_role.pipeline[0].arn }
    daemon      = { cpu = 256, memory = 1024, port = null, role = null }
    webserver   = { cpu = 256, memory = 1024, port = 3000, role = null }
  } : {}
}

resource "aws_iam_role" "pipeline" {
  count              = local.ecs ? 1 : 0
  name               = "${var.name}-pipeline"
  assume_role_policy = data.aws_iam_policy_document.trust["puller"].json
}

resource "aws_iam_role_policy" "pipeline" {
  for_each = local.ecs ? toset(["puller", "forwarder", "dbt"]) : toset([])
  name     = each.key
  role     = aws_iam_role.pipeline[0].id
  policy   = templatefile("${path.module}/policies/${each.key}.json", local.names)
}

# What starts the tasks: it fetches the image, writes their logs, and hands them the database's password.
resource "aws_iam_role" "starter" {
  count              = local.ecs ? 1 : 0
  name               = "${var.name}-starter"
  assume_role_policy = data.aws_iam_policy_document.trust["puller"].json
}

resource "aws_iam_role_policy_attachment" "starter" {
  count      = local.ecs ? 1 : 0
  role       = aws_iam_role.starter[0].name
  policy_arn = "arn:${data.aws_partition.here.partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

resource "aws_iam_role_policy" "starter" {
  count  = local.ecs ? 1 : 0
  name   = "ledgerline"
  role   = aws_iam_role.starter[0].id
  policy = templatefile("${path.module}/policies/starter.json", local.names)
}

resource "aws_cloudwatch_log_group" "dagster" {
  count             = local.ecs ? 1 : 0
  name              = "/ecs/${var.name}-ledgerline"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.archive.arn
}

resource "aws_ecs_cluster" "dagster" {
  count = local.ecs ? 1 : 0
  name  = "${var.name}-ledgerline"
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

# `code-server` in workspace.yaml is this name.
resource "aws_service_discovery_http_namespace" "dagster" {
  count = local.ecs ? 1 : 0
  name  = "${var.name}-ledgerline"
}

resource "aws_ecs_task_definition" "part" {
  for_each                 = local.parts
  family                   = "${var.name}-ledgerline-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = each.value.cpu
  memory                   = each.value.memory
  execution_role_arn       = aws_iam_role.starter[0].arn
  task_role_arn            = each.value.role

  dynamic "volume" {
    for_each = ["data", "dagster", "tmp"]
    content {
      name = volume.value
    }
  }

  container_definitions = jsonencode([{
    name                   = each.key
    image                  = var.image
    command                = [each.key]
    essential              = true
    readonlyRootFilesystem = true
    user                   = "10001:10001"
    linuxParameters        = { initProcessEnabled = false, capabilities = { drop = ["ALL"] } }
    portMappings = each.value.port == null ? [] : [{
      name = each.key, containerPort = each.value.port, protocol = "tcp"
    }]
    mountPoints = [for name, path in { data = "/data", dagster = "/dagster", tmp = "/tmp" } : {
      sourceVolume = name, containerPath = path, readOnly = false
    }]
    environment = concat([
      { name = "DAGSTER_POSTGRES_HOST", value = var.database_host },
      { name = "DAGSTER_POSTGRES_USER", value = "dagster" },
      { name = "DAGSTER_POSTGRES_DB", value = "dagster" },
      ], each.key != "code-server" ? [] : [
      { name = "LEDGERLINE_CONFIG_TOML", value = templatefile("${path.module}/ledgerline.toml.tftpl", merge(local.names, {
        queue_url = aws_sqs_queue.claims.url
      })) },
    ])
    secrets = [{ name = "DAGSTER_POSTGRES_PASSWORD", valueFrom = aws_secretsmanager_secret.all["dagster"].arn }]
    healthCheck = {
      command     = ["CMD", "python", "/opt/ledgerline/bin/healthcheck.py"]
      interval    = 30
      timeout     = 15
      retries     = 3
      startPeriod = 180
    }
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.dagster[0].name
        awslogs-region        = var.region
        awslogs-stream-prefix = each.key
      }
    }
  }])
}

resource "aws_ecs_service" "part" {
  for_each                           = local.parts
  name                               = each.key
  cluster                            = aws_ecs_cluster.dagster[0].id
  task_definition                    = aws_ecs_task_definition.part[each.key].arn
  launch_type                        = "FARGATE"
  desired_count                      = 1
  deployment_minimum_healthy_percent = 0 # one daemon, one code server: never two
  deployment_maximum_percent         = 100
  network_configuration {
    subnets          = var.subnets
    security_groups  = var.security_groups
    assign_public_ip = false
  }
  service_connect_configuration {
    enabled   = true
    namespace = aws_service_discovery_http_namespace.dagster[0].arn
    dynamic "service" {
      for_each = each.value.port == null ? [] : [each.value.port]
      content {
        port_name = each.key
        client_alias {
          dns_name = each.key
          port     = service.value
        }
      }
    }
  }
}
