# Who may do what. Each policy is a file of its own under policies/, and tests/deploy asks each what it must refuse.

locals {
  tasks = ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com"]
  roles = {
    puller      = { services = local.tasks, principals = [] }
    forwarder   = { services = local.tasks, principals = [] }
    dbt         = { services = local.tasks, principals = [] }
    auditor     = { services = [], principals = var.auditor_principals }
    break-glass = { services = [], principals = var.break_glass_principals }
  }
}

data "aws_iam_policy_document" "trust" {
  for_each = local.roles

  dynamic "statement" {
    for_each = length(each.value.services) > 0 ? [1] : []
    content {
      actions = ["sts:AssumeRole"]
      principals {
        type        = "Service"
        identifiers = each.value.services
      }
      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [local.account]
      }
    }
  }

  # people: with a second factor, and nobody at all where no list is given
  dynamic "statement" {
    for_each = length(each.value.services) == 0 ? [1] : []
    content {
      actions = ["sts:AssumeRole"]
      principals {
        type        = "AWS"
        identifiers = length(each.value.principals) > 0 ? each.value.principals : ["arn:${data.aws_partition.here.partition}:iam::${local.account}:root"]
      }
      condition {
        test     = "Bool"
        variable = "aws:MultiFactorAuthPresent"
        values   = ["true"]
      }
    }
  }
}

resource "aws_iam_role" "all" {
  for_each             = local.roles
  name                 = "${var.name}-${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.trust[each.key].json
  max_session_duration = 3600
}

resource "aws_iam_role_policy" "all" {
  for_each = local.roles
  name     = "ledgerline"
  role     = aws_iam_role.all[each.key].id
  policy   = templatefile("${path.module}/policies/${replace(each.key, "-", "_")}.json", local.names)
}

resource "aws_iam_role" "copier" {
  name = "${var.name}-checkpoint-copier"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "s3.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "copier" {
  name = "ledgerline"
  role = aws_iam_role.copier.id
  policy = templatefile("${path.module}/policies/copier.json", merge(local.names, {
    checkpoints     = aws_s3_bucket.checkpoints.id
    checkpoints_key = aws_kms_key.checkpoints.arn
    witness_region  = var.witness_region
  }))
}
