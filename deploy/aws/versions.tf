# Ledgerline on AWS. What is made and why: README.md. Nothing here deletes or shortens anything that is evidence.
terraform {
  required_version = ">= 1.8"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0, < 7.0"
    }
  }
}

provider "aws" {
  region = var.region
  default_tags {
    tags = { application = "ledgerline", tenant = var.name }
  }
}

# The second account, where copies of the checkpoints lie that nobody of the first can rewrite.
provider "aws" {
  alias  = "witness"
  region = var.witness_region
  assume_role {
    role_arn = var.witness_role_arn
  }
  default_tags {
    tags = { application = "ledgerline", tenant = var.name }
  }
}

data "aws_caller_identity" "here" {}
data "aws_partition" "here" {}

locals {
  account     = data.aws_caller_identity.here.account_id
  archive     = "${var.name}-claude-audit-${local.account}"
  results     = "${var.name}-claude-athena-${local.account}"
  logs        = "${var.name}-claude-logs-${local.account}"
  access_logs = "${var.name}-claude-access-${local.account}"
  # what the policies in policies/ are filled in with; tests/deploy fills them in the same way
  places = {
    partition    = data.aws_partition.here.partition
    account      = local.account
    region       = var.region
    archive      = local.archive
    prefix       = var.prefix
    results      = local.results
    logs         = local.logs
    access_logs  = local.access_logs
    trail        = "${var.name}-claude-audit"
    queue        = "${var.name}-claims"
    dead_letters = "${var.name}-claims-dead-letters"
    secrets      = "${var.name}/claude"
    workgroup    = "${var.name}-ledgerline"
    auditors     = "${var.name}-auditors"
    database     = replace("${var.name}_archive", "-", "_")
    marts        = replace("${var.name}_marts", "-", "_")
    break_glass  = "${var.name}-break-glass"
    # a day of slack: the store counts whole days that remain, and a put takes its seconds
    least        = tostring(var.retention_days - 1)
    least_recent = tostring(var.recent_retention_days - 1)
  }
  # a key's own policy is filled in with places alone: it cannot wait for the key
  names = merge(local.places, { key_arn = aws_kms_key.archive.arn })
}
