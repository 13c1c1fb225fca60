// Random trust policies and requests with well-mixed answers. The same seed gives the same pairs.
// It knows the shape of a policy and which values are similar, but not which requests are allowed.

import {
  actions,
  callers,
  gone,
  keys,
  notActions,
  operators,
  own,
  ranges,
  requestActions,
  variables,
  words,
} from './pool.mjs'

/** Yields `count` policies, each with the role it belongs to and `each` requests. */
export function* generate(seed, count, each) {
  const { pick, chance, some, whole } = dice(seed)
  const weighted = keys.flatMap((one) => Array(one.weight).fill(one))
  const everyone = ['AWS', '*']
  const entries = callers.flatMap((caller) => caller.entries.filter(([, text]) => text !== '*'))
  entries.push(everyone, everyone, everyone)

  for (let at = 0; at < count; at += 1) {
    const gov = chance(0.08)
    const role = `arn:${gov ? 'aws-us-gov' : 'aws'}:iam::${own}:role/${pick(['data/Unity', 'Lake'])}`
    const policy = trust()
    const requests = Array.from({ length: each }, (_, n) => ({
      id: `${at}.${n}`,
      ...ask(policy),
      role,
    }))
    yield { policy, requests }
  }

  function trust() {
    const statements = Array.from({ length: pick([1, 1, 2, 2, 3, 4]) }, (_, at) => statement(at))
    // A policy that only denies has nothing to be mixed with.
    if (statements.every((one) => one.Effect === 'Deny')) statements[0].Effect = 'Allow'
    const version = pick([
      '2012-10-17',
      '2012-10-17',
      '2012-10-17',
      '2012-10-17',
      '2008-10-17',
      undefined,
    ])
    return {
      ...(version && { Version: version }),
      Statement: statements.length === 1 && chance(0.3) ? statements[0] : statements,
    }
  }

  function statement(at) {
    const named = some(chance(0.06) ? [...entries, ...gone] : entries, 1, 3)
    const principal = {}
    for (const [kind, text] of named)
      principal[kind] = [...new Set([...(principal[kind] ?? []), text])]
    const verbs = [...new Set(some(actions, 1, 2))]
    // IAM asks for the web identity's own action wherever a provider is named.
    if (principal.Federated) verbs.push('sts:AssumeRoleWithWebIdentity')
    const excluding = !principal.Federated && chance(0.08)
    const condition = conditions()
    return {
      ...(chance(0.3) && { Sid: `S${at}` }),
      Effect: chance(0.27) ? 'Deny' : 'Allow',
      Principal: Object.fromEntries(
        Object.entries(principal).map(([kind, list]) => [kind, loose(list)]),
      ),
      ...(excluding ? { NotAction: loose(pick(notActions)) } : { Action: loose(verbs) }),
      ...(Object.keys(condition).length > 0 && { Condition: condition }),
    }
  }

  function conditions() {
    const made = {}
    for (let left = pick([0, 0, 1, 1, 1, 2, 3]); left > 0; left -= 1) {
      const one = pick(weighted)
      const operator = chance(0.08) ? 'Null' : operatorFor(one)
      const block = (made[operator] ??= {})
      // The same key twice in one block, in two spellings, is no valid policy.
      if (Object.keys(block).some((key) => one.spellings.includes(key))) continue
      block[pick(one.spellings)] =
        operator === 'Null' ? loose([pick(['true', 'false'])]) : valuesFor(one, operator)
    }
    return made
  }

  function operatorFor(one) {
    const set = one.kind === 'list' || chance(0.05) ? pick(['ForAnyValue:', 'ForAllValues:']) : ''
    return `${set}${pick(operators[one.kind])}${chance(0.12) ? 'IfExists' : ''}`
  }

  function valuesFor(one, operator) {
    if (chance(0.006)) return []
    const list = [...new Set(some(one.values, 1, 3).map((value) => valueFor(one, operator, value)))]
    if (list.length === 1 && (one.kind === 'truth' || one.kind === 'number') && chance(0.4))
      return JSON.parse(list[0].toLowerCase())
    return loose(list)
  }

  function valueFor(one, operator, value) {
    if (one.kind === 'address') return chance(0.6) ? pick(ranges) : value
    if (one.kind === 'arn') return arnFor(operator, value)
    if (one.kind !== 'text' && one.kind !== 'list') return value
    if (chance(0.1)) return pick(variables)
    if (operator.includes('IgnoreCase')) return chance(0.5) ? value.toUpperCase() : value
    return operator.includes('Like') || chance(0.04) ? pattern(value) : value
  }

  function arnFor(operator, arn) {
    if (chance(0.07))
      return (
        `arn:aws:iam::${own}:role/` + pick(['${aws:PrincipalTag/Team}', '*${sts:RoleSessionName}'])
      )
    if (chance(0.06)) return 'arn:aws:iam::${aws:PrincipalAccount}:role/*'
    if (operator.includes('Equals') && chance(0.7)) return arn
    const [, partition, service, region, account, ...rest] = arn.split(':')
    return [
      'arn',
      chance(0.1) ? '*' : partition,
      service,
      region,
      chance(0.3) ? '*' : account,
      pattern(rest.join(':')),
    ].join(':')
  }

  function pattern(value) {
    const cut = whole(1, value.length - 1)
    return pick([
      value,
      `${value.slice(0, cut)}*`,
      `*${value.slice(cut)}`,
      `${value.slice(0, cut)}?${value.slice(cut + 1)}`,
      '*',
    ])
  }

  /** A request that lies near one statement, most often one that allows. */
  function ask(policy) {
    const statements = [policy.Statement].flat()
    const allowing = statements.filter((one) => one.Effect === 'Allow')
    const near = chance(0.7) && allowing.length > 0 ? pick(allowing) : pick(statements)
    const caller = callerNear(near)
    const action = actionNear(near)
    const context = chance(0.95) ? { ...caller.keys } : {}
    if (chance(0.5)) context['aws:PrincipalOrgID'] = 'o-acme000001'
    if (chance(0.4)) context['aws:PrincipalTag/Team'] = pick(words)
    for (const one of [...statements.filter((other) => other !== near), near]) {
      for (const [operator, block] of Object.entries(one.Condition ?? {})) {
        for (const [key, wanted] of Object.entries(block)) {
          if (chance(one === near ? 0.85 : 0.5)) bring(context, key, operator, [wanted].flat())
        }
      }
    }
    if (chance(0.3)) bring(context, pick(weighted).spellings[0], 'Null', ['false'])
    return { principal: caller.principal, action, context }
  }

  function callerNear(near) {
    const wanted = Object.entries(near.Principal).flatMap(([kind, list]) =>
      [list].flat().map((text) => `${kind} ${text}`),
    )
    const fitting = callers.filter((caller) =>
      caller.entries.some((entry) => wanted.includes(entry.join(' '))),
    )
    return fitting.length > 0 && chance(0.88) ? pick(fitting) : pick(callers)
  }

  function actionNear(near) {
    if (!near.Action || chance(0.1)) return pick(requestActions)
    const fitting = requestActions.filter((action) =>
      [near.Action].flat().some((glob) => like(glob, action)),
    )
    return fitting.length > 0 ? pick(fitting) : pick(requestActions)
  }

  /** Puts a value for `spelled` in the context, often one that the policy names; keys are there once, whatever their capitals. */
  function bring(context, spelled, operator, wanted) {
    const one = keys.find((entry) => entry.spellings.includes(spelled))
    for (const there of Object.keys(context)) {
      if (there.toLowerCase() !== spelled.toLowerCase()) continue
      if (chance(0.7) && one.kind !== 'list') return
      delete context[there]
    }
    if (operator === 'Null' && chance(wanted.map(String).includes('true') ? 0.8 : 0.1)) return
    const usual = operator.includes('Not') ? 0.15 : 0.75
    const draw = () => {
      const value =
        chance(usual) && operator !== 'Null' && wanted.length > 0
          ? String(pick(wanted))
          : pick(one.values)
      return one.kind === 'address'
        ? value.replace(/^203.*\/.*/, '203.0.113.7').replace(/\/.*/, '')
        : concrete(value, context)
    }
    const value =
      one.kind === 'list' ? [...new Set(Array.from({ length: whole(1, 3) }, draw))] : draw()
    context[chance(0.15) ? pick(one.spellings) : one.spellings[0]] = value
  }

  function concrete(value, context) {
    const held = Object.fromEntries(
      Object.entries(context).map(([name, text]) => [name.toLowerCase(), text]),
    )
    const filled = value.replace(/\$\{([^},]*)[^}]*\}|\*|\?/g, (text, name) => {
      if (text === '*') return pick(['', 'x', 'lue', '*'])
      if (text === '?') return pick(['x', '-', '?'])
      if (chance(0.2)) return text
      return name === '*' ? '*' : String(held[name.toLowerCase()] ?? 'blue')
    })
    return filled || 'x'
  }

  function loose(list) {
    return list.length === 1 && chance(0.6) ? list[0] : list
  }
}

function like(glob, text) {
  const escaped = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.')
  return new RegExp(`^${escaped}$`, 'i').test(text)
}

/** Mulberry32 and what is drawn with it. */
function dice(seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const whole = (least, most) => least + Math.floor(next() * (Math.max(most, least) - least + 1))
  const pick = (list) => list[whole(0, list.length - 1)]
  return {
    whole,
    pick,
    chance: (odds) => next() < odds,
    some: (list, least, most) => Array.from({ length: whole(least, most) }, () => pick(list)),
  }
}
