# The weekend path: no Dagster, a function on a schedule. Two never run at once; if they did, the log would keep order.

locals {
  function = var.lambda && var.image != ""
  schedules = { for name, one in {
    tail      = { every = "rate(5 minutes)", commands = null }
    spend     = { every = "cron(20 * * * ? *)", commands = [["pull", "usage"], ["pull", "cost"]] }
    directory = { every = "cron(10 5 * * ? *)", commands = [["pull", "directory"]] }
    people    = { every = "cron(40 10 * * ? *)", commands = [["pull", "engagement"]] }
    reread    = { every = "cron(30 2 * * ? *)", commands = [["pull", "activities", "--from", "yesterday", "--to", "today"]] }
    verify    = { every = "cron(30 4 * * ? *)", commands = [["verify", "--since", "last"]] }
  } : name => one if local.function }
}

resource "aws_iam_role" "function" {
  count              = local.function ? 1 : 0
  name               = "${var.name}-function"
  assume_role_policy = data.aws_iam_policy_document.trust["puller"].json
}

# It pulls and delivers: the two roles' own policies, and its own log.
resource "aws_iam_role_policy" "function" {
  for_each = local.function ? toset(["puller", "forwarder", "function_logs"]) : toset([])
  name     = each.key
  role     = aws_iam_role.function[0].id
  policy = templatefile("${path.module}/policies/${each.key}.json", merge(local.names, {
    log_group = aws_cloudwatch_log_group.function[0].arn
  }))
}

resource "aws_cloudwatch_log_group" "function" {
  count             = local.function ? 1 : 0
  name              = "/aws/lambda/${var.name}-ledgerline"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.archive.arn
}

resource "aws_lambda_function" "pipeline" {
  count                          = local.function ? 1 : 0
  function_name                  = "${var.name}-ledgerline"
  role                           = aws_iam_role.function[0].arn
  package_type                   = "Image"
  image_uri                      = var.image
  timeout                        = 900
  memory_size                    = 2048
  reserved_concurrent_executions = 1
  ephemeral_storage {
    size = 2048
  }
  environment {
    variables = {
      LEDGERLINE_CONFIG_TOML = templatefile("${path.module}/ledgerline.toml.tftpl", merge(local.names, {
        queue_url = aws_sqs_queue.claims.url
      }))
    }
  }
  tracing_config {
    mode = "PassThrough"
  }
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.function[0].name
  }
}

resource "aws_scheduler_schedule" "pipeline" {
  for_each            = local.schedules
  name                = "${var.name}-${each.key}"
  schedule_expression = each.value.every
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn      = aws_lambda_function.pipeline[0].arn
    role_arn = aws_iam_role.scheduler[0].arn
    input    = each.value.commands == null ? "{}" : jsonencode({ commands = each.value.commands })
    retry_policy {
      maximum_retry_attempts       = 0 # the next call does the work
      maximum_event_age_in_seconds = 300
    }
  }
}

resource "aws_iam_role" "scheduler" {
  count = local.function ? 1 : 0
  name  = "${var.name}-scheduler"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "scheduler" {
  count = local.function ? 1 : 0
  name  = "ledgerline"
  role  = aws_iam_role.scheduler[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "CallTheFunction"
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = aws_lambda_function.pipeline[0].arn
    }]
  })
}

resource "aws_cloudwatch_metric_alarm" "function_fails" {
  count               = local.function ? 1 : 0
  alarm_name          = "${var.name}-function-fails"
  alarm_description   = "Three calls in half an hour could not run. Read the function's log; nothing is lost."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.pipeline[0].function_name }
  statistic           = "Sum"
  period              = 1800
  evaluation_periods  = 1
  threshold           = 3
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
}
