# Only the places: the values are put in by hand (`aws secretsmanager put-secret-value`), so that none is in a state file.

locals {
  secrets = {
    compliance-key = "The vendor's key with the scope read:compliance_activities."
    analytics-key  = "The vendor's key with the scope read:analytics."
    directory-key  = "The vendor's key with the scopes read:members and read:rbac_groups."
    signing-key    = "The Ed25519 key that signs the log, PKCS #8 PEM. Keep a copy outside AWS."
    destinations   = "Tokens of the destinations, one field each; only the forwarder reads it."
    dagster        = "The password of Dagster's database."
  }
}

resource "aws_secretsmanager_secret" "all" {
  for_each                = local.secrets
  name                    = "${local.names.secrets}/${each.key}"
  description             = each.value
  kms_key_id              = aws_kms_key.archive.arn
  recovery_window_in_days = 30
}
