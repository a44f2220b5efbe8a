# Deploys an unpacked release of Signpost with Terraform: uploads its templates and code, and creates the CloudFormation stack.
# The sources stay CloudFormation, so an update of Signpost is a new release folder.

terraform {
  required_version = ">= 1.6"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "release" {
  description = "Folder of an unpacked release: signpost.yaml, its nested templates, the functions' zip files, SHA256SUMS."
  type        = string
}

variable "bucket" {
  description = "Name of a private S3 bucket, in the region of the deployment, for templates and code."
  type        = string
}

variable "name" {
  description = "Name of the stack."
  type        = string
  default     = "signpost"
}

variable "parameters" {
  description = "Parameters of infra/signpost.yaml. OperatorKeyHashes and MailFrom are required."
  type        = map(string)
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
  default     = { application = "signpost" }
}

locals {
  # A new folder for each release, because CloudFormation updates a function only if the address of its code changes.
  prefix    = "${var.name}/${substr(filesha256("${var.release}/SHA256SUMS"), 0, 16)}"
  templates = ["signpost.yaml", "network.yaml", "application.yaml", "alarms.yaml"]
  code      = fileset(var.release, "*.zip")
}

data "aws_region" "current" {}

resource "aws_s3_object" "code" {
  for_each    = local.code
  bucket      = var.bucket
  key         = "${local.prefix}/${each.value}"
  source      = "${var.release}/${each.value}"
  source_hash = filesha256("${var.release}/${each.value}")
}

resource "aws_s3_object" "template" {
  for_each = toset(local.templates)
  bucket   = var.bucket
  key      = "${local.prefix}/${each.value}"
  # As `sam package` does: local files become addresses in the bucket.
  content = replace(
    replace(
      file("${var.release}/${each.value}"),
      "/CodeUri: ([a-z-]+\\.zip)/", "CodeUri: s3://${var.bucket}/${local.prefix}/$1"
    ),
    "/TemplateURL: ([a-z]+\\.yaml)/",
    "TemplateURL: https://${var.bucket}.s3.${data.aws_region.current.name}.amazonaws.com/${local.prefix}/$1"
  )
}

resource "aws_cloudformation_stack" "signpost" {
  name         = var.name
  template_url = "https://${var.bucket}.s3.${data.aws_region.current.name}.amazonaws.com/${aws_s3_object.template["signpost.yaml"].key}"
  capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
  parameters   = var.parameters
  tags         = var.tags
  depends_on   = [aws_s3_object.code, aws_s3_object.template]

  timeouts {
    # Leaving a network takes Lambda up to 40 minutes.
    update = "90m"
    delete = "90m"
  }
}

output "signpost" {
  description = "The URLs, the fixed addresses, and the names of tables and queues."
  value       = aws_cloudformation_stack.signpost.outputs
}
