// Tests of pasted output of `aws iam get-role`.

import { expect, test } from 'vitest'
import { policyOfRole } from './pastedRole'

const policy = { Version: '2012-10-17', Statement: [] }
const Arn = 'arn:aws:iam::123456789012:role/lake'

test('policy and ARN of a printed role are found', () => {
  const text = `${JSON.stringify(policy, null, 2)}\n`
  const role = { Arn, AssumeRolePolicyDocument: policy }
  expect(policyOfRole(JSON.stringify({ Role: role }))).toEqual({ text, role: Arn })
  expect(policyOfRole(JSON.stringify(role))).toEqual({ text, role: Arn })
  const encoded = { Role: { AssumeRolePolicyDocument: '%7B%7D', Arn: 7 } }
  expect(policyOfRole(JSON.stringify(encoded))).toEqual({ text: '%7B%7D', role: '' })
})

test.each(['', '{', 'null', '7', '[]', '{"Role": null}', JSON.stringify(policy), '{"Role":{}}'])(
  '%j is no printed role',
  (text) => expect(policyOfRole(text)).toBe(null),
)
