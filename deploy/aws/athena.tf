# Glue's tables come from glue_tables.json, which is made from the same schemas as DuckDB's catalogue. The views over them
# are made by `ledgerline catalog --apply`, since they hold the restrictions that are on.

resource "aws_glue_catalog_database" "archive" {
  name        = local.names.database
  description = "The Claude audit archive: tables that people read are the views in it."
}

resource "aws_glue_catalog_database" "marts" {
  for_each = toset(["", "_staging", "_intermediate"])
  name     = "${local.names.marts}${each.key}"
}

locals {
  glue_tables = {
    for table in jsondecode(file("${path.module}/glue_tables.json")) : table.Name => table
  }
  # the file has the archive's root as @ARCHIVE@
  root = "s3://${local.archive}/${var.prefix}/"
}

resource "aws_glue_catalog_table" "stored" {
  for_each      = local.glue_tables
  database_name = aws_glue_catalog_database.archive.name
  name          = each.key
  description   = each.value.Description
  table_type    = each.value.TableType
  parameters    = { for key, value in each.value.Parameters : key => replace(value, "@ARCHIVE@", local.root) }

  dynamic "partition_keys" {
    for_each = each.value.PartitionKeys
    content {
      name = partition_keys.value.Name
      type = partition_keys.value.Type
    }
  }

  storage_descriptor {
    location      = replace(each.value.StorageDescriptor.Location, "@ARCHIVE@", local.root)
    input_format  = each.value.StorageDescriptor.InputFormat
    output_format = each.value.StorageDescriptor.OutputFormat
    ser_de_info {
      serialization_library = each.value.StorageDescriptor.SerdeInfo.SerializationLibrary
      parameters            = lookup(each.value.StorageDescriptor.SerdeInfo, "Parameters", {})
    }
    dynamic "columns" {
      for_each = each.value.StorageDescriptor.Columns
      content {
        name = columns.value.Name
        type = columns.value.Type
      }
    }
  }
}

# Answers and the marts: what can be made again. Answers go after 30 days.
resource "aws_s3_bucket" "results" {
  bucket = local.results
}

resource "aws_s3_bucket_versioning" "results" {
  bucket = aws_s3_bucket.results.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "results" {
  bucket = aws_s3_bucket.results.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.archive.arn
    }
    bucket_key_enabled = true
  }
}

resource "aws_s3_bucket_public_access_block" "results" {
  bucket                  = aws_s3_bucket.results.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_logging" "results" {
  bucket        = aws_s3_bucket.results.id
  target_bucket = aws_s3_bucket.access_logs.id
  target_prefix = "${local.results}/"
  depends_on    = [aws_s3_bucket_policy.access_logs]
}

resource "aws_s3_bucket_policy" "results" {
  bucket     = aws_s3_bucket.results.id
  policy     = templatefile("${path.module}/policies/results_bucket.json", local.names)
  depends_on = [aws_s3_bucket_public_access_block.results]
}

resource "aws_s3_bucket_lifecycle_configuration" "results" {
  bucket = aws_s3_bucket.results.id
  rule {
    id     = "answers-end"
    status = "Enabled"
    filter {
      prefix = "answers/"
    }
    expiration {
      days = 30
    }
  }
  rule {
    id     = "what-was-replaced-ends"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = 7
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
  depends_on = [aws_s3_bucket_versioning.results]
}

# Two workgroups: auditors have the smaller limit, and neither can be talked out of the settings by a client.
resource "aws_athena_workgroup" "work" {
  for_each = {
    (local.names.workgroup) = { folder = "pipeline", limit = var.scan_limit_bytes * 10 }
    (local.names.auditors)  = { folder = "auditors", limit = var.scan_limit_bytes }
  }
  name = each.key
  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = each.value.limit
    engine_version {
      selected_engine_version = "Athena engine version 3"
    }
    result_configuration {
      output_location       = "s3://${local.results}/answers/${each.value.folder}/"
      expected_bucket_owner = local.account
      encryption_configuration {
        encryption_option = "SSE_KMS"
        kms_key_arn       = aws_kms_key.archive.arn
      }
    }
  }
}
