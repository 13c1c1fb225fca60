// Operators, keys and actions that are offered when a statement is edited by hand; the core validates the result.

export const operators = [
  'StringEquals',
  'StringNotEquals',
  'StringEqualsIgnoreCase',
  'StringNotEqualsIgnoreCase',
  'StringLike',
  'StringNotLike',
  'ArnEquals',
  'ArnLike',
  'ArnNotEquals',
  'ArnNotLike',
  'Bool',
  'Null',
  'NumericEquals',
  'NumericLessThan',
  'NumericLessThanEquals',
  'NumericGreaterThan',
  'NumericGreaterThanEquals',
  'DateLessThan',
  'DateGreaterThan',
  'IpAddress',
  'NotIpAddress',
] as const

export const keys = [
  'sts:ExternalId',
  'aws:PrincipalArn',
  'aws:PrincipalAccount',
  'aws:PrincipalOrgID',
  'aws:PrincipalTag/name',
  'aws:MultiFactorAuthPresent',
  'aws:SourceIp',
  'aws:SourceArn',
  'aws:SourceAccount',
  'aws:CurrentTime',
  'sts:RoleSessionName',
  'sts:SourceIdentity',
] as const

export const actions = [
  'sts:AssumeRole',
  'sts:TagSession',
  'sts:SetSourceIdentity',
  'sts:AssumeRoleWithWebIdentity',
  'sts:AssumeRoleWithSAML',
] as const
