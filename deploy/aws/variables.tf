variable "name" {
  description = "A short name of this installation: small letters, digits, hyphens. One installation for each tenant."
  type        = string
  default     = "example"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,20}$", var.name))
    error_message = "The name has 2 to 21 small letters, digits and hyphens, and begins with a letter."
  }
}

variable "region" {
  description = "Where the archive lies."
  type        = string
  default     = "eu-central-1"
}

variable "witness_region" {
  description = "Where the copies of the checkpoints lie; another region than the archive's."
  type        = string
  default     = "eu-west-1"
}

variable "witness_role_arn" {
  description = "A role of the second account that may make its bucket. Nobody who runs the pipeline may take it on later."
  type        = string
}

variable "prefix" {
  description = "The archive's prefix in its bucket, as in archive.url, without slashes at its ends."
  type        = string
  default     = "ledger"
}

variable "retention_days" {
  description = "For how many days evidence is locked: archive.retention_days."
  type        = number
  default     = 2555
}

variable "recent_retention_days" {
  description = "For how many days the recent tier is locked: archive.recent_retention_days."
  type        = number
  default     = 30
}

variable "scan_limit_bytes" {
  description = "The most that one question of an auditor may read in Athena."
  type        = number
  default     = 107374182400 # 100 GiB, about 0.5 USD
}

variable "alarm_email" {
  description = "Who is told of alarms and of the budget."
  type        = string
}

variable "monthly_budget_usd" {
  description = "What all of it may cost in a month before somebody is told. `ledgerline cost-model` says what to expect."
  type        = number
  default     = 200
}

variable "break_glass_principals" {
  description = "ARNs of those who may take on the role that deletes what retention no longer locks."
  type        = list(string)
  default     = []
}

variable "auditor_principals" {
  description = "ARNs of those who may take on the auditors' role."
  type        = list(string)
  default     = []
}

variable "image" {
  description = "The container image with its digest, for the Lambda and ECS (empty: neither is made)."
  type        = string
  default     = ""
}

variable "lambda" {
  description = "Whether to run the pipeline as a Lambda function on a schedule instead of Dagster."
  type        = bool
  default     = false
}

variable "subnets" {
  description = "Private subnets for ECS (empty: no ECS)."
  type        = list(string)
  default     = []
}

variable "security_groups" {
  description = "Security groups for ECS."
  type        = list(string)
  default     = []
}

variable "database_host" {
  description = "The host of Dagster's PostgreSQL, for ECS."
  type        = string
  default     = ""
}
