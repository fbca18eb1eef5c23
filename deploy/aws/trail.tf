# Who read or touched an object of the archive, and who did anything with keys, secrets and questions.

resource "aws_cloudtrail" "audit" {
  name                          = local.names.trail
  s3_bucket_name                = aws_s3_bucket.logs.id
  s3_key_prefix                 = "cloudtrail"
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true
  kms_key_id                    = aws_kms_key.archive.arn
  sns_topic_name                = null

  advanced_event_selector {
    name = "Every object of the archive"
    field_selector {
      field  = "eventCategory"
      equals = ["Data"]
    }
    field_selector {
      field  = "resources.type"
      equals = ["AWS::S3::Object"]
    }
    field_selector {
      field       = "resources.ARN"
      starts_with = ["arn:${data.aws_partition.here.partition}:s3:::${local.archive}/"]
    }
    # reads by the pipeline itself are many and say nothing; writes, deletions and reads by people stay
    field_selector {
      field           = "userIdentity.arn"
      not_starts_with = ["arn:${data.aws_partition.here.partition}:sts::${local.account}:assumed-role/${var.name}-dbt/"]
    }
  }

  advanced_event_selector {
    name = "Everything that is managed"
    field_selector {
      field  = "eventCategory"
      equals = ["Management"]
    }
  }

  depends_on = [aws_s3_bucket_policy.logs]
}
