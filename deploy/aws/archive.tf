# The archive's bucket: versioned, locked in compliance mode, encrypted with a key of its own, every access on record.

resource "aws_kms_key" "archive" {
  description             = "The Claude audit archive of ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = templatefile("${path.module}/policies/key.json", local.places)

  lifecycle {
    prevent_destroy = true # without the key the archive cannot be read
  }
}

resource "aws_kms_alias" "archive" {
  name          = "alias/${var.name}-claude-audit"
  target_key_id = aws_kms_key.archive.key_id
}

resource "aws_s3_bucket" "archive" {
  bucket              = local.archive
  object_lock_enabled = true

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "archive" {
  bucket = aws_s3_bucket.archive.id
  versioning_configuration {
    status = "Enabled"
  }
}

# Whoever forgets the header is locked all the same. The pipeline sets its own, longer retention on what it writes.
resource "aws_s3_bucket_object_lock_configuration" "archive" {
  bucket = aws_s3_bucket.archive.id
  rule {
    default_retention {
      mode = "COMPLIANCE"
      days = var.recent_retention_days
    }
  }
  depends_on = [aws_s3_bucket_versioning.archive]
}

resource "aws_s3_bucket_server_side_encryption_configuration" "archive" {
  bucket = aws_s3_bucket.archive.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.archive.arn
    }
    bucket_key_enabled = true # one request to KMS for many objects
  }
}

resource "aws_s3_bucket_public_access_block" "archive" {
  bucket                  = aws_s3_bucket.archive.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "archive" {
  bucket = aws_s3_bucket.archive.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "archive" {
  bucket     = aws_s3_bucket.archive.id
  policy     = templatefile("${path.module}/policies/archive_bucket.json", local.names)
  depends_on = [aws_s3_bucket_public_access_block.archive]
}

# No rule deletes: a rule knows neither seals nor holds. `ledgerline expire` deletes what the recent tier no longer needs,
# with the break-glass role. Pages are read by `verify` and `prove` only, and stay readable at once.
resource "aws_s3_bucket_lifecycle_configuration" "archive" {
  bucket = aws_s3_bucket.archive.id
  rule {
    id     = "pages-are-read-seldom"
    status = "Enabled"
    filter {
      and {
        prefix                   = "${var.prefix}/pages/"
        object_size_greater_than = 131072
      }
    }
    transition {
      days          = 90
      storage_class = "GLACIER_IR"
    }
  }
  rule {
    id     = "unfinished-uploads-go"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
  depends_on = [aws_s3_bucket_versioning.archive]
}

resource "aws_s3_bucket_logging" "archive" {
  bucket        = aws_s3_bucket.archive.id
  target_bucket = aws_s3_bucket.access_logs.id
  target_prefix = "${local.archive}/"
  target_object_key_format {
    partitioned_prefix {
      partition_date_source = "EventTime"
    }
  }
  depends_on = [aws_s3_bucket_policy.access_logs] # S3 asks whether its service may write there
}
