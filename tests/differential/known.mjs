// The simulator's known faults, each with another spelling of the same policy and request, by AWS's documentation,
// that it evaluates correctly. A remaining difference is not a known fault. `known.json` has the reasons.

const nothing = 'equals-nothing-at-all'
const nobody = '000000000000'

/** Respells a policy and a request around one fault, by the name of the fault. */
export const faults = {
  'every-address': onConditions(({ base }, values) =>
    base.endsWith('IpAddress')
      ? values.flatMap((value) => (value === '0.0.0.0/0' ? ['0.0.0.0/1', '128.0.0.0/1'] : [value]))
      : values,
  ),

  'address-as-text': onConditions(({ base }, values) =>
    base.endsWith('IpAddress')
      ? values.map((value) =>
          value.includes('/') ? value : value + (value.includes(':') ? '/128' : '/32'),
        )
      : values,
  ),

  'variable-in-old-version'(policy, request) {
    if (policy.Version === '2012-10-17') return [policy, request]
    const literal = onConditions((_, values) =>
      values.map((value) => value.replaceAll('${', '${dollar}{')),
    )
    const [respelled] = literal(policy, request)
    return [respelled, { ...request, context: { ...request.context, dollar: '$' } }]
  },

  'escape-without-wildcards': onConditions(({ base, live }, values) =>
    live && /^String.*Equals/.test(base)
      ? values.map((value) => value.replace(/\$\{([*?$])\}/g, '$1'))
      : values,
  ),

  'variable-without-value': onConditions(({ base, live, context }, values) =>
    live && base.includes('Not')
      ? values.map((value) =>
          variables(value).every((one) => one.or || held(context, one.name)) ? value : never(base),
        )
      : values,
  ),

  'variable-in-arn-account': onConditions(({ base, live, context }, values) =>
    live && base.startsWith('Arn')
      ? values.map((value) =>
          value.replace(/\$\{([^},]+)\}(?=.*:)/g, (text, name) => held(context, name) ?? never('')),
        )
      : values,
  ),

  'epoch-beside-iso'(policy, request) {
    const context = { ...request.context }
    const respelled = withConditions(policy, ({ operator, base, key }, values) => {
      if (!base.startsWith('Date')) return [operator, key, values]
      const value = held(request.context, key)
      if (value !== undefined) context[`iso:${key}`] = iso(value)
      return [operator, `iso:${key}`, values.map(iso)]
    })
    return [respelled, { ...request, context }]
  },

  'partition-of-account'(policy, request) {
    if (typeof request.principal !== 'string') return [policy, request]
    const partition = request.principal.split(':')[1]
    const home = request.role.split(':')[1]
    return [
      withAccounts(
        policy,
        (text) => (text.startsWith('arn:') ? text.split(':')[1] : home) === partition,
      ),
      request,
    ]
  },

  'provider-as-account': (policy, request) => [
    request.principal.federated ? withAccounts(policy, () => false) : policy,
    request,
  ],
}

/** What AWS's pages leave open: whether a condition is of this kind, by the name of the point. */
const openPoints = {
  'any-value-if-exists': ({ operator, key, context }) =>
    operator.startsWith('ForAnyValue:') &&
    operator.endsWith('IfExists') &&
    held(context, key) === undefined,
  'empty-list': (_, values) => values.length === 0,
}

/** The names of the open points in a policy, and the policy with each of them read both ways. */
export function readings(policy, { context }) {
  const names = new Set()
  let open = 0
  withConditions(policy, (condition, values) => {
    const found = Object.keys(openPoints).filter((name) =>
      openPoints[name]({ ...condition, context }, values),
    )
    for (const name of found) names.add(name)
    open += found.length > 0 ? 1 : 0
    return [condition.operator, condition.key, values]
  })
  const both = Array.from({ length: 2 ** open }, (_, choice) => {
    let at = 0
    return withConditions(policy, (condition, values) => {
      if (!Object.values(openPoints).some((is) => is({ ...condition, context }, values))) {
        return [condition.operator, condition.key, values]
      }
      const holds = (choice >> at++) & 1
      // An absent key is Null; each condition gets a key of its own, so that none overwrites another.
      return ['Null', `open:${at}`, [holds ? 'true' : 'false']]
    })
  })
  return { names: [...names], policies: both }
}

/** A respelling that changes the values of conditions only. */
function onConditions(change) {
  return (policy, request) => [
    withConditions(policy, (condition, values) => [
      condition.operator,
      condition.key,
      change({ ...condition, context: request.context }, values),
    ]),
    request,
  ]
}

/** The policy with every condition as `change` gives it back: operator, key and list of values. */
function withConditions(policy, change) {
  const live = policy.Version === '2012-10-17'
  const Statement = [policy.Statement].flat().map((statement) => {
    const Condition = {}
    for (const [operator, block] of Object.entries(statement.Condition ?? {})) {
      const base = operator.replace(/^\w+:/, '').replace(/IfExists$/, '')
      for (const [key, list] of Object.entries(block)) {
        const [to, name, values] = change({ operator, base, key, live }, [list].flat().map(String))
        ;(Condition[to] ??= {})[name] = values
      }
    }
    return { ...statement, Condition }
  })
  return { ...policy, Statement }
}

/** The policy with every account it names replaced by nobody's, unless `keep` says otherwise. */
function withAccounts(policy, keep) {
  const Statement = [policy.Statement].flat().map((statement) => {
    if (!statement.Principal.AWS) return statement
    const AWS = [statement.Principal.AWS].flat().map((text) => {
      const account = /^\d{12}$|:root$/.test(text)
      return account && !keep(text) ? nobody : text
    })
    return { ...statement, Principal: { ...statement.Principal, AWS } }
  })
  return { ...policy, Statement }
}

function variables(value) {
  return [...value.matchAll(/\$\{([^},]{2,})(,[^}]*)?\}/g)].map(([, name, or]) => ({ name, or }))
}

function held(context, name) {
  const key = Object.keys(context).find((key) => key.toLowerCase() === name.toLowerCase())
  return context[key]
}

function never(base) {
  return base.startsWith('Arn') ? `arn:aws:none:::${nothing}` : nothing
}

function iso(value) {
  return /^\d+$/.test(value) ? new Date(Number(value) * 1000).toISOString() : value
}
