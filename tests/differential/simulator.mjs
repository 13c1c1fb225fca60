// The independent simulator, used for trust policies alone: the caller's own policies allow everything.

import { runUnsafeSimulation } from '@cloud-copilot/iam-simulate'

const decisions = {
  Allowed: 'allow',
  ExplicitlyDenied: 'explicit_deny',
  ImplicitlyDenied: 'implicit_deny',
}
const everything = {
  name: 'everything',
  policy: { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } },
}

/**
 * What the simulator decides: `allow`, `explicit_deny` or `implicit_deny`. It is asked without its own
 * check of the input, which would drop every key it does not expect beside the action.
 */
export function simulate(policy, { principal, action, context, role }) {
  const result = runUnsafeSimulation(
    {
      request: {
        principal: principal.service ?? principal.federated ?? principal,
        action,
        resource: { resource: role, accountId: role.split(':')[4] },
        contextVariables: context,
      },
      identityPolicies: [everything],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      // It reads the name of the resource's policy, and takes one only in this wrapping.
      resourcePolicy: {
        __validated: true,
        policyDocument: policy,
        metadata: { name: 'trust' },
        errors: [],
      },
    },
    { simulationMode: 'Strict' },
  )
  return decisions[result]
}
