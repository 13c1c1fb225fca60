// Compares `headgate policy evaluate` with another evaluator on random policies and requests.
//   HEADGATE_BIN=… node compare.mjs [--pairs 10000] [--seed 5]
// Its known faults are avoided first by another spelling, so that a fault that both share is found too.

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { generate } from './generate.mjs'
import { faults, readings } from './known.mjs'
import { simulate } from './simulator.mjs'

const perPolicy = 8
const atOnce = 2
const shown = 5

const { values: options } = parseArgs({
  options: { pairs: { type: 'string', default: '10000' }, seed: { type: 'string', default: '5' } },
})
const binary = process.env.HEADGATE_BIN
if (!binary) {
  console.error('`HEADGATE_BIN` is not set. Set it to the path of the `headgate` command.')
  process.exit(2)
}

const known = JSON.parse(await readFile(new URL('known.json', import.meta.url), 'utf8'))
const claimed = new Map(known.map(({ name }) => [name, 0]))
const mix = { allow: 0, explicit_deny: 0, implicit_deny: 0, unknown: 0 }
let passed = 0
let failed = 0

const folder = await mkdtemp(join(tmpdir(), 'headgate-differential-'))
const cases = generate(
  Number(options.seed),
  Math.ceil(Number(options.pairs) / perPolicy),
  perPolicy,
)
try {
  await Promise.all(Array.from({ length: atOnce }, (_, worker) => work(worker)))
} finally {
  await rm(folder, { recursive: true })
}

console.log('\nClaimed by known disagreements (a pair that needs several counts for each):')
for (const [name, count] of claimed) console.log(`${String(count).padStart(6)}  ${name}`)
console.log(`Our decisions: ${JSON.stringify(mix)}`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0

async function work(worker) {
  for (const { policy, requests } of cases) {
    const stem = join(folder, `${worker}`)
    const answers = await evaluate(stem, policy, requests)
    for (const [at, request] of requests.entries()) {
      const { expected, names } = settle(policy, request)
      if (answers[at]?.id === request.id && answers[at].decision === expected) {
        passed += 1
        mix[expected] += 1
        for (const name of names) claimed.set(name, (claimed.get(name) ?? 0) + 1)
      } else {
        failed += 1
        if (failed <= shown) await report(failed, stem, policy, request)
      }
    }
  }
}

/** Our answers, in the order of the requests; one `error` for each of them when the policy was refused. */
async function evaluate(stem, policy, requests) {
  const [file, lines] = [`${stem}.json`, `${stem}.ndjson`]
  await writeFile(file, JSON.stringify(policy))
  await writeFile(lines, requests.map((request) => `${JSON.stringify(request)}\n`).join(''))
  try {
    const call = ['policy', 'evaluate', file, '--requests', lines, '--json']
    const { stdout } = await promisify(execFile)(binary, call)
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  } catch (error) {
    return requests.map(() => ({ decision: 'error', because: error.stdout || error.message }))
  }
}

/** The decision by AWS's pages as far as the simulator can tell, and the known disagreements that part it from the raw one. */
function settle(policy, request) {
  const raw = simulate(policy, request)
  const [mended, asked] = Object.values(faults).reduce(
    (pair, respell) => respell(...pair),
    [policy, request],
  )
  const open = readings(mended, asked)
  const decisions = new Set(open.policies.map((reading) => simulate(reading, asked)))
  // Whichever way AWS reads it, the caller stays out: then that is the answer.
  if (decisions.size > 1 && !decisions.has('allow'))
    return { raw, expected: 'implicit_deny', names: open.names }
  if (decisions.size > 1) return { raw, expected: 'unknown', names: open.names }
  const [expected] = decisions
  if (expected === raw) return { raw, expected, names: [] }
  const alone = Object.keys(faults).filter(
    (name) => simulate(...faults[name](policy, request)) === expected,
  )
  return { raw, expected, names: alone.length > 0 ? alone : ['several together'] }
}

/** Shows a disagreement with everything left out that it does not need. */
async function report(number, stem, policy, request) {
  const ask = async (smaller) => {
    const [answer] = await evaluate(stem, smaller, [request])
    return { answer, ...settle(smaller, request) }
  }
  let found = { policy, ...(await ask(policy)) }
  for (let smaller = parts(policy); smaller.length > 0;) {
    const next = smaller.shift()
    const tried = await ask(next)
    if (
      tried.answer?.decision === tried.expected ||
      tried.answer?.decision !== found.answer?.decision
    )
      continue
    found = { policy: next, ...tried }
    smaller = parts(next)
  }
  console.log(`\nDisagreement ${number}`)
  console.log(`  policy     ${JSON.stringify(found.policy)}`)
  console.log(`  request    ${JSON.stringify(request)}`)
  console.log(`  ours       ${JSON.stringify(found.answer)}`)
  console.log(
    `  simulator  ${found.raw}; without its known faults ${found.expected} (${found.names.join(', ') || 'none here'})`,
  )
}

/** The policy without one statement, and without one condition. */
function parts({ Statement, ...rest }) {
  const statements = [Statement].flat()
  const without = (list, at) => list.filter((_, other) => other !== at)
  const fewer = statements.length > 1 ? statements.map((_, at) => without(statements, at)) : []
  for (const [at, { Condition = {}, ...bare }] of statements.entries()) {
    for (const operator of Object.keys(Condition)) {
      const { [operator]: _, ...left } = Condition
      fewer.push(
        statements.with(at, Object.keys(left).length > 0 ? { ...bare, Condition: left } : bare),
      )
    }
  }
  return fewer.map((list) => ({ ...rest, Statement: list }))
}
