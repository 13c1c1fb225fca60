// Finds the policy and the role's ARN in pasted output of `aws iam get-role`. Pure.

/** The trust policy of a printed role; null for any other text. */
export function policyOfRole(text: string): { text: string; role: string } | null {
  let printed: unknown
  try {
    printed = JSON.parse(text)
  } catch {
    return null
  }
  const role = property(printed, 'Role') ?? printed
  const policy = property(role, 'AssumeRolePolicyDocument')
  const arn = property(role, 'Arn')
  const named = typeof arn === 'string' ? arn : ''
  if (typeof policy === 'object' && policy !== null)
    return { text: `${JSON.stringify(policy, null, 2)}\n`, role: named }
  // The API itself answers with the policy percent-encoded.
  return typeof policy === 'string' ? { text: policy, role: named } : null
}

function property(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null ? (of as Record<string, unknown>)[name] : undefined
}
