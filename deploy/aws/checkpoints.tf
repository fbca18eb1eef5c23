# Copies of the checkpoints in a second account: who rewrites the archive cannot rewrite these. S3 copies them itself; the
# pipeline has no right there at all. `ledgerline verify --pinned` takes them.

resource "aws_s3_bucket" "checkpoints" {
  provider            = aws.witness
  bucket              = "${var.name}-claude-checkpoints-${local.account}"
  object_lock_enabled = true

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "checkpoints" {
  provider = aws.witness
  bucket   = aws_s3_bucket.checkpoints.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_object_lock_configuration" "checkpoints" {
  provider = aws.witness
  bucket   = aws_s3_bucket.checkpoints.id
  rule {
    default_retention {
      mode = "COMPLIANCE"
      days = var.retention_days
    }
  }
  depends_on = [aws_s3_bucket_versioning.checkpoints]
}

# What S3 copies from a bucket with a KMS key it encrypts with a KMS key, across accounts with one of the customer's.
resource "aws_kms_key" "checkpoints" {
  provider                = aws.witness
  description             = "Copies of the checkpoints of ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = templatefile("${path.module}/policies/checkpoints_key.json", merge(local.names, {
    witness = split(":", var.witness_role_arn)[4]
    copier  = aws_iam_role.copier.arn
  }))
}

resource "aws_s3_bucket_server_side_encryption_configuration" "checkpoints" {
  provider = aws.witness
  bucket   = aws_s3_bucket.checkpoints.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.checkpoints.arn
    }
    bucket_key_enabled = true
  }
}

resource "aws_s3_bucket_public_access_block" "checkpoints" {
  provider                = aws.witness
  bucket                  = aws_s3_bucket.checkpoints.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "checkpoints" {
  provider = aws.witness
  bucket   = aws_s3_bucket.checkpoints.id
  rule {
    id     = "unfinished-uploads-go"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
  depends_on = [aws_s3_bucket_versioning.checkpoints]
}

resource "aws_s3_bucket_policy" "checkpoints" {
  provider = aws.witness
  bucket   = aws_s3_bucket.checkpoints.id
  policy = templatefile("${path.module}/policies/checkpoints_bucket.json", merge(local.names, {
    checkpoints = aws_s3_bucket.checkpoints.id
    copier      = aws_iam_role.copier.arn
  }))
}

resource "aws_s3_bucket_replication_configuration" "archive" {
  bucket = aws_s3_bucket.archive.id
  role   = aws_iam_role.copier.arn
  rule {
    id     = "checkpoints"
    status = "Enabled"
    filter {
      prefix = "${var.prefix}/log/checkpoint/"
    }
    delete_marker_replication {
      status = "Disabled"
    }
    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }
    }
    destination {
      bucket  = aws_s3_bucket.checkpoints.arn
      account = split(":", var.witness_role_arn)[4]
      access_control_translation {
        owner = "Destination" # the copies belong to the second account
      }
      encryption_configuration {
        replica_kms_key_id = aws_kms_key.checkpoints.arn
      }
    }
  }
  depends_on = [aws_s3_bucket_versioning.archive, aws_s3_bucket_versioning.checkpoints]
}
