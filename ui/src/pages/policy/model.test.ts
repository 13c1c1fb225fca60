// Tests of the model of the policy page: its transitions, and answers that arrive late.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { KeptDraft } from '../../api'
import { failure } from '../../api/host'
import { PolicyModel } from './model'
import { goal, other, PlayedCore, role, roleRead, written } from './playedCore'
import { PolicySession } from './session.svelte'
import { refusalOf, transitions, type Stage, type Transition } from './transitions'

const access = { profile: null, region: null, mfa_code: null }
const separate = 'catalog uc\nsegment ws'
const guide = 'catalog,segment uc,ws'

let core: PlayedCore
let session: PolicySession
let notes: string[]

beforeEach(() => {
  core = new PlayedCore()
  session = new PolicySession(core.ask)
  notes = []
})
afterEach(() => vi.useRealTimers())

const newModel = () => new PolicyModel({ ask: core.ask, session, note: (text) => notes.push(text) })
const settled = () => new Promise<void>((done) => setTimeout(done))
/** Until everything was asked and answered, and a moment more. */
const quiet = () => new Promise<void>((done) => setTimeout(done, 90))

async function empty(): Promise<PolicyModel> {
  const model = newModel()
  await model.load()
  return model
}

async function pasted(text = 'catalog uc', arn = role): Promise<PolicyModel> {
  const model = await empty()
  await model.openPasted(text, arn)
  return model
}

async function read(text = 'catalog uc'): Promise<PolicyModel> {
  core.aws = text
  const model = await empty()
  await model.openRead(roleRead(text), access)
  return model
}

async function drifted(): Promise<PolicyModel> {
  const model = await read()
  model.replace('catalog uc\nmine id')
  core.aws = 'catalog uc\ntheirs id'
  await model.readAgain()
  return model
}

/** A page that is left and opened again, perhaps in a window that was closed meanwhile. */
async function reopened(model: PolicyModel, window = true): Promise<PolicyModel> {
  model.close()
  await settled()
  if (window) session = new PolicySession(core.ask)
  const next = newModel()
  await next.load()
  await quiet()
  return next
}

const keptOf = (arn: string): KeptDraft => ({
  read: null,
  role: arn,
  base: 'kept id',
  text: 'kept id',
  goals: [],
  form: 'separate',
  access,
  past: [],
  future: [],
  planned: null,
})

const inStage: Record<Stage, () => Promise<PolicyModel>> = {
  loading: async () => newModel(),
  empty,
  pasted,
  read,
  drifted,
  closed: async () => {
    const model = await read()
    model.close()
    return model
  },
}

const acts: Record<Transition, (model: PolicyModel) => unknown> = {
  load: (model) => model.load(),
  openRead: (model) => model.openRead(roleRead('other id'), access),
  openPasted: (model) => model.openPasted('other id', ''),
  type: (model) => model.type('typed id'),
  replace: (model) => model.replace('replaced id'),
  edit: (model) =>
    model.edit([{ op: 'remove_principal', statement: 0, kind: 'AWS', value: 'nobody' }]),
  letIn: (model) => model.letIn(),
  add: (model) => model.add(goal('segment', 'ws')),
  toggle: (model) => model.toggle('catalog', true),
  chooseForm: (model) => model.chooseForm('guide'),
  undo: (model) => model.undo(),
  redo: (model) => model.redo(),
  discard: (model) => model.discard(),
  showTab: (model) => model.showTab('base'),
  reveal: (model) => model.reveal({ start: 0, end: 1 }),
  analyze: (model) => model.analyze(),
  learn: (model) => model.learn(),
  keep: (model) => model.keep(),
  flush: (model) => model.flush(),
  openKept: (model) => {
    core.drafts.set(other, keptOf(other))
    return model.openKept(other)
  },
  nameRole: (model) => model.nameRole(other),
  readAgain: (model) => model.readAgain(),
  meet: (model) => model.meet(roleRead('met id')),
  settle: (model) => model.settle('keep'),
  applied: (model) => model.applied(written('written id')),
  close: (model) => model.close(),
}

describe('transitions', () => {
  const stages = Object.keys(inStage) as Stage[]
  const names = Object.keys(transitions) as Transition[]

  test.each(stages)('a model can be %s', async (stage) => {
    expect((await inStage[stage]()).stage).toBe(stage)
  })

  const all = stages.flatMap((stage) => names.map((name) => [name, stage] as const))
  test.each(all)('%s while %s is what the table says', async (name, stage) => {
    const model = await inStage[stage]()
    for (let round = 0; round < 5; round += 1) await settled()
    const before = seen(model)
    core.asked = []
    const answer = await acts[name](model)
    const refused = refusalOf(name, stage)
    expect(answer).toEqual(refused)
    if (!refused) return
    expect(refused.code).toBe('not_now')
    // What is refused changes nothing and asks nobody; a change that was written is handed on.
    expect(seen(model)).toEqual(before)
    if (name !== 'applied') expect(core.asked).toEqual([])
  })

  function seen(model: PolicyModel) {
    const { stage, text, base, goals, role, form, tab, revealed, newer, canUndo, canRedo } = model
    return { stage, text, base, goals, role, form, tab, revealed, newer, canUndo, canRedo }
  }

  test('the state of the model is read-only', async () => {
    const model = await pasted()
    for (const name of ['text', 'goals', 'stage', 'form', 'newer', 'tab', 'base', 'read'])
      expect(() => Reflect.set(model, name, 'x') || raise()).toThrow('read-only')
  })
  const raise = () => {
    throw new Error('read-only')
  }
})

describe('the draft', () => {
  test('begins with those whom the policy names, and with their steps', async () => {
    const model = await pasted()
    expect(model.goals.map((one) => [one.goal.principal, one.on])).toEqual([
      ['catalog', true],
      ['segment', false],
    ])
    expect(model.canUndo).toBe(false)
    await model.add(goal('segment', 'ws'))
    expect(model).toMatchObject({ text: separate, tab: 'changes', canUndo: true })
    model.undo()
    expect(model).toMatchObject({ text: 'catalog uc', canUndo: false, canRedo: true })
    model.redo()
    model.discard()
    expect(model.text).toBe('catalog uc')
    model.undo()
    expect(model.text).toBe(separate)
  })

  test('what is typed before the callers are known keeps them', async () => {
    const held = core.hold('policy_templates')
    const model = await empty()
    const opened = model.openPasted('catalog uc', role)
    await settled()
    model.type('catalog uc2')
    await held.end()
    await opened
    expect(model.goals.some((one) => one.on)).toBe(true)
    model.undo()
    expect(model.goals.some((one) => one.on)).toBe(true)
  })

  test('too long texts and invalid names are refused', async () => {
    const model = await pasted()
    const long = 'x'.repeat(131_073)
    expect(model.type(long)?.message).toContain('131,073 characters')
    expect(model.replace(long)?.code).toBe('wrong_use')
    expect((await model.openPasted(long, ''))?.code).toBe('wrong_use')
    expect((await model.openPasted('a b', 'no role'))?.field).toBe('role')
    expect((await model.nameRole('no role'))?.field).toBe('role')
    expect(model).toMatchObject({ text: 'catalog uc', role })
  })

  test('callers are switched off and on, each as one step', async () => {
    const model = await pasted(separate)
    await model.toggle('catalog', false)
    expect(model.text).toBe('segment ws')
    await model.toggle('catalog', true)
    expect(model.text).toBe('segment ws\ncatalog uc')
    expect(model.goals.find((one) => one.goal.principal === 'catalog')?.on).toBe(true)
  })

  test('a refusal is shown in its place until the draft changes', async () => {
    const model = await pasted()
    expect((await model.add(goal('refused', 'r')))?.message).toBe('A Deny is in the way.')
    expect(model.refusal).toBe(null)
    // Of a caller that is the last one, nothing can be taken out.
    await model.toggle('catalog', false)
    expect(model.refusal).toMatchObject({ at: { caller: 'catalog' } })
    expect(model.goals[0]!.on).toBe(true)
    model.type('catalog uc ')
    expect(model.refusal).toBe(null)
  })

  test('nothing is planned for a role that has no name, until it is named', async () => {
    const model = await pasted('catalog uc', '')
    expect((await model.add(goal('segment', 'ws')))?.message).toContain('Name the role')
    await model.nameRole(role)
    expect(await model.add(goal('segment', 'ws'))).toBe(null)
    expect(model.text).toBe(separate)
  })
})

describe('the form', () => {
  const forms = async (model: PolicyModel) => {
    await quiet()
    return [model.form, model.previews?.separate.after ?? null, model.previews?.guide.after ?? null]
  }

  test('is the one that was chosen while both would look alike', async () => {
    const model = await pasted()
    await quiet()
    expect(model.form).toBe('separate')
    await model.chooseForm('guide')
    expect(model).toMatchObject({ form: 'guide', text: 'catalog uc', canUndo: false })
    await model.add(goal('segment', 'ws'))
    expect(model).toMatchObject({ form: 'guide', text: guide })
  })

  test('is the one of the plan, and choosing the other plans it again', async () => {
    const model = await pasted()
    await model.add(goal('segment', 'ws'))
    expect(await forms(model)).toEqual(['separate', separate, guide])
    await model.chooseForm('guide')
    expect(await forms(model)).toEqual(['guide', separate, guide])
    expect(model.text).toBe(guide)
    await model.chooseForm('separate')
    expect(model.text).toBe(separate)
  })

  test('follows Undo, and a plan can still be made again', async () => {
    const model = await pasted()
    await model.add(goal('segment', 'ws'))
    await model.chooseForm('guide')
    model.undo()
    expect(await forms(model)).toEqual(['separate', separate, guide])
    await model.chooseForm('guide')
    expect(model.text).toBe(guide)
  })

  test.each([
    ['separate', separate, guide],
    ['guide', guide, separate],
  ] as const)('of a draft that comes back is %s, and the other one plans', async (is, text, to) => {
    const model = await pasted()
    await model.chooseForm(is)
    await model.add(goal('segment', 'ws'))
    const back = await reopened(model)
    expect(await forms(back)).toEqual([is, separate, guide])
    expect(back).toMatchObject({ text, canUndo: true })
    await back.chooseForm(is === 'guide' ? 'separate' : 'guide')
    expect(back.text).toBe(to)
  })

  test.each([
    ['separate', separate, guide],
    ['guide', guide, separate],
  ] as const)(
    'of a draft whose plan was not kept is %s too, whatever was lit',
    async (is, text, to) => {
      const model = await pasted()
      await model.chooseForm(is)
      await model.add(goal('segment', 'ws'))
      model.close()
      await settled()
      // As an older core kept it, with a switch that says the opposite.
      const form = is === 'guide' ? 'separate' : 'guide'
      const { past: _past, future: _future, planned: _planned, ...old } = core.kept!
      core.drafts.set(role, { ...old, form } as KeptDraft)
      session = new PolicySession(core.ask)
      const back = newModel()
      await back.load()
      expect(await forms(back)).toEqual([is, separate, guide])
      expect(back).toMatchObject({ text, canUndo: false })
      await back.chooseForm(form)
      expect(await forms(back)).toEqual([form, separate, guide])
      expect(back.text).toBe(to)
    },
  )

  test('of a policy that was pasted is the one that it has', async () => {
    const model = await pasted(guide)
    expect(await forms(model)).toEqual(['guide', null, null])
    await model.chooseForm('separate')
    // Nobody asked for Segment, so it stays where it was.
    expect(await forms(model)).toEqual([
      'separate',
      'segment ws\ncatalog uc',
      'segment,catalog ws,uc',
    ])
    expect(model.text).toBe('segment ws\ncatalog uc')
    model.undo()
    await model.add(goal('segment', 'ws'))
    expect(await forms(model)).toEqual(['guide', null, null])
    await model.chooseForm('separate')
    expect(await forms(model)).toEqual(['separate', separate, guide])
    await model.chooseForm('guide')
    expect(await forms(model)).toEqual(['guide', separate, guide])
    expect(model.text).toBe(guide)
  })

  test('that is neither is said to be custom, and choosing one plans the callers again', async () => {
    const model = await pasted()
    await model.add(goal('segment', 'ws'))
    await model.add(goal('etl', 'e'))
    model.replace('catalog,segment uc,ws\netl e\nsomebody s')
    expect(await forms(model)).toEqual(['custom', null, null])
    expect(model.nextForm).toBe('separate')
    await model.chooseForm('guide')
    expect(model).toMatchObject({
      form: 'guide',
      text: 'catalog,segment,etl uc,ws,e\nsomebody s',
    })
    model.undo()
    expect(await forms(model)).toEqual(['custom', null, null])
    await model.chooseForm('separate')
    expect(model).toMatchObject({
      form: 'separate',
      text: 'catalog uc\netl e\nsomebody s\nsegment ws',
    })
  })

  test('that is refused stays what it was, and says why', async () => {
    const model = await pasted()
    await model.add(goal('segment', 'ws'))
    core.fails.set('policy_plan', failure('goals_invalid', 'Not so.', 'Otherwise.'))
    await model.chooseForm('guide')
    expect(model).toMatchObject({ form: 'separate', text: separate })
    expect(model.refusal).toMatchObject({ at: 'picture', failure: { message: 'Not so.' } })
  })

  test('is not known before the core has looked', async () => {
    const held = core.hold('policy_analyze')
    const model = await empty()
    void model.openPasted(guide, role)
    await settled()
    expect(model.form).toBe(null)
    await held.end()
    await quiet()
    expect(model.form).toBe('guide')
  })
})

describe('races', () => {
  test('what is typed while an edit is under way is edited instead', async () => {
    const model = await pasted()
    const held = core.hold('policy_edit')
    const edit = { statement: 0, operator: 'StringEquals', key: 'sts:ExternalId' }
    const done = model.edit([{ op: 'add_condition_value', ...edit, value: 'more' }])
    await settled()
    model.type('catalog uc,typed')
    await held.end()
    expect(await done).toBe(null)
    expect(model.text).toBe('catalog uc,typed,more')
    model.undo()
    expect(model.text).toBe('catalog uc,typed')
  })

  test('what is typed while a plan is made is planned on', async () => {
    const model = await pasted()
    const held = core.hold('policy_plan')
    const done = model.add(goal('segment', 'ws'))
    await settled()
    model.type('catalog uc\ntyped t')
    await held.end()
    expect(await done).toBe(null)
    expect(model.text).toBe('catalog uc\ntyped t\nsegment ws')
  })

  test('two callers that are planned at once are both in', async () => {
    const model = await pasted()
    await Promise.all([model.add(goal('segment', 'ws')), model.add(goal('etl', 'e'))])
    expect(model.text.split('\n').sort()).toEqual(['catalog uc', 'etl e', 'segment ws'])
    expect(model.goals.filter((one) => one.on)).toHaveLength(3)
  })

  test('of two looks in flight the latest holds, in whatever order they are answered', async () => {
    const model = await pasted()
    const held = core.hold('policy_analyze')
    const old = model.analyze()
    model.replace('no policy at all')
    await settled()
    expect(held.count).toBe(2)
    await held.next(1)
    expect(model.view?.problems).toHaveLength(1)
    await held.next(0)
    await old
    expect(model.view?.problems).toHaveLength(1)
    expect(model.picture?.text).toBe('catalog uc')
  })

  test('an answer for a draft that is no longer open is dropped', async () => {
    const model = await pasted()
    const plan = core.hold('policy_plan')
    const done = model.add(goal('segment', 'ws'))
    await settled()
    await model.openPasted('etl e', role)
    await plan.end()
    expect(await done).toBe(null)
    expect(model).toMatchObject({ text: 'etl e', base: 'etl e', canUndo: false })
  })

  test('a role that is read again while another is opened changes nothing', async () => {
    const model = await read()
    core.aws = 'somebody s'
    const held = core.hold('role_read')
    const again = model.readAgain()
    await settled()
    expect(model.isReading).toBe(true)
    await model.openPasted('etl e', '')
    await held.end()
    await again
    expect(model).toMatchObject({ text: 'etl e', newer: null, isReading: false, stage: 'pasted' })
    expect(notes).toEqual([])
  })

  test('what is typed while two policies are compared is not overwritten', async () => {
    const model = await read()
    model.replace('catalog uc\nmine id')
    await quiet()
    const held = core.hold('policy_analyze')
    const met = model.meet(roleRead('catalog uc\nmine id'))
    await settled()
    model.type('catalog uc\nmine id2')
    await held.end()
    await met
    expect(model).toMatchObject({ text: 'catalog uc\nmine id2' })
  })
})

describe('what AWS has meanwhile', () => {
  test('is shown at once where nothing was changed', async () => {
    const model = await read()
    core.aws = separate
    await model.readAgain()
    expect(model).toMatchObject({ text: separate, base: separate, stage: 'read', tab: 'draft' })
    expect(notes).toEqual(['AWS has another policy since; it is shown now'])
  })

  test('waits to be settled where the draft is dirty', async () => {
    const model = await drifted()
    expect(model).toMatchObject({ stage: 'drifted', tab: 'base', base: 'catalog uc' })
    expect(model.text).toBe('catalog uc\nmine id')
    await model.settle('keep')
    expect(model).toMatchObject({ stage: 'read', text: 'catalog uc\nmine id', tab: 'changes' })
    expect(model.base).toBe('catalog uc\ntheirs id')
  })

  test('can be taken instead of the draft, and undone', async () => {
    const model = await drifted()
    await model.settle('discard')
    expect(model).toMatchObject({ stage: 'read', text: 'catalog uc\ntheirs id', tab: 'draft' })
    model.undo()
    expect(model.text).toBe('catalog uc\nmine id')
  })

  test('takes the callers along, in their form', async () => {
    const model = await read()
    await model.chooseForm('guide')
    await model.add(goal('segment', 'ws'))
    core.aws = 'catalog uc\ntheirs id'
    await model.readAgain()
    await model.settle('rebase')
    expect(model).toMatchObject({
      stage: 'read',
      base: 'catalog uc\ntheirs id',
      text: 'catalog,segment uc,ws\ntheirs id',
      form: 'guide',
    })
    await quiet()
    await model.chooseForm('separate')
    expect(model.text).toBe('catalog uc\ntheirs id\nsegment ws')
  })

  test('says where it was refused why the callers could not be taken along', async () => {
    const model = await drifted()
    core.fails.set('policy_plan', failure('goals_invalid', 'Not so.', ''))
    await model.settle('rebase')
    expect(model).toMatchObject({ stage: 'drifted', refusal: { at: 'base' } })
  })

  test('that cannot be read says so, and can be tried again', async () => {
    const model = await read()
    core.fails.set('role_read', failure('aws_denied', 'No.', ''))
    await model.readAgain()
    expect(model).toMatchObject({ readFailure: { code: 'aws_denied' }, isReading: false })
    core.fails.clear()
    await model.readAgain()
    expect(model.readFailure).toBe(null)
  })

  test('is what was written, and a role made again is another one', async () => {
    const model = await read()
    await model.add(goal('segment', 'ws'))
    await model.applied(written(separate))
    expect(model).toMatchObject({ base: separate, text: separate, isUntouched: true })
    await model.applied(written('x y', other))
    expect(model.text).toBe(separate)
    model.replace(guide)
    core.awsId = 'AROA2'
    core.aws = separate
    await model.readAgain()
    expect(model.stage).toBe('drifted')
  })
})

describe('keeping', () => {
  test('brings back the text with its steps, also after the window was closed', async () => {
    const model = await pasted()
    await model.add(goal('segment', 'ws'))
    model.type('half')
    await settled()
    model.undo()
    const back = await reopened(model)
    expect(back).toMatchObject({ text: separate, base: 'catalog uc', role, stage: 'pasted' })
    back.redo()
    expect(back.text).toBe('half')
    back.undo()
    back.undo()
    expect(back.text).toBe('catalog uc')
    expect(back.goals.filter((one) => one.on)).toHaveLength(1)
  })

  test('waits for what is still being kept when the page comes back at once', async () => {
    const model = await pasted()
    await quiet()
    const held = core.hold('policy_draft_save')
    model.type('catalog uc2')
    model.close()
    const back = newModel()
    const loaded = back.load()
    await settled()
    expect(back.stage).toBe('loading')
    await held.end()
    await loaded
    expect(back.text).toBe('catalog uc2')
  })

  test('keeps what AWS has meanwhile as long as the window', async () => {
    const model = await drifted()
    model.showTab('changes')
    const back = await reopened(model, false)
    expect(back).toMatchObject({ stage: 'drifted', tab: 'changes' })
    const later = await reopened(back)
    expect(later).toMatchObject({ stage: 'read', newer: null })
  })

  test('keeps a draft in the window that cannot be kept beyond it', async () => {
    const model = await pasted()
    core.fails.set('policy_draft_save', failure('store_failed', 'The disk is full.', ''))
    model.type('catalog uc2')
    await quiet()
    model.keep()
    await settled()
    expect(model.keepFailure?.code).toBe('store_failed')
    const back = await reopened(model, false)
    expect(back.text).toBe('catalog uc2')
    await new Promise((done) => setTimeout(done, 260))
    expect(back.keepFailure?.code).toBe('store_failed')
    core.fails.clear()
    back.keep()
    await settled()
    expect(back.keepFailure).toBe(null)
    expect(core.kept?.text).toBe('catalog uc2')
  })

  test('sends one draft after the other, and of those that wait only the newest', async () => {
    const model = await pasted()
    await quiet()
    const held = core.hold('policy_draft_save')
    core.asked = []
    for (const text of ['a b', 'a c', 'a d']) {
      model.type(text)
      model.keep()
    }
    expect(core.asked.filter((one) => one === 'policy_draft_save')).toHaveLength(1)
    await held.end()
    expect(core.asked.filter((one) => one === 'policy_draft_save')).toHaveLength(2)
    expect(core.kept?.text).toBe('a d')
  })

  test('a page that goes away sends what still waits', async () => {
    const model = await pasted()
    await quiet()
    const held = core.hold('policy_draft_save')
    model.type('a b')
    model.keep()
    model.type('a c')
    model.flush()
    expect(held.count).toBe(2)
    expect(core.kept?.text).toBe('a c')
    model.type('a d')
    model.keep()
    model.flush()
    expect(held.count).toBe(3)
    expect(core.kept?.text).toBe('a d')
    await held.end()
    expect(core.kept?.text).toBe('a d')
  })

  test('a window that closes waits until what was typed last is kept', async () => {
    const model = await pasted()
    await quiet()
    const held = core.hold('policy_draft_save')
    model.type('a b')
    model.keep()
    model.type('a c')
    let isKept = false
    void model.finish().then(() => (isKept = true))
    await settled()
    expect(isKept).toBe(false)
    await held.end()
    await settled()
    expect(isKept).toBe(true)
    expect(core.kept?.text).toBe('a c')
  })

  test('a draft that has just begun is kept when its page is left', async () => {
    const held = core.hold('policy_templates')
    const model = await empty()
    void model.openPasted('catalog uc', role)
    await settled()
    const back = await reopened(model)
    expect(back).toMatchObject({ text: 'catalog uc', role })
    await held.end()
  })

  test('who may be let in is asked again after that failed', async () => {
    core.fails.set('policy_templates', failure('internal', 'No.', ''))
    const model = await pasted()
    expect(model).toMatchObject({ goals: [], callersFailure: { code: 'internal' } })
    core.fails.clear()
    expect(await model.learn()).toBe(null)
    expect(model.goals).toHaveLength(2)
  })

  test('a change that ends after the page was left is in the draft', async () => {
    const model = await read()
    await model.add(goal('segment', 'ws'))
    model.close()
    await settled()
    await model.applied(written(separate))
    expect(core.kept).toMatchObject({ base: separate, text: separate })

    // And in the page that was opened meanwhile.
    const next = newModel()
    await next.load()
    const more = `${separate}\netl e`
    await next.add(goal('etl', 'e'))
    await model.applied(written(more))
    expect(next).toMatchObject({ base: more, isUntouched: true })
  })

  test('a draft that cannot be loaded says so, and can be loaded again', async () => {
    core.drafts.clear()
    core.fails.set('policy_draft', failure('store_failed', 'Busy.', ''))
    const model = await empty()
    expect(model).toMatchObject({ stage: 'empty', loadFailure: { code: 'store_failed' } })
    core.fails.clear()
    await model.load()
    expect(model).toMatchObject({ stage: 'empty', loadFailure: null })
  })
})

describe('the drafts of a profile', () => {
  const draftOf = (arn: string) => core.drafts.get(arn)?.text

  /** A model with a changed draft of a role that was read. */
  async function changed(text = 'catalog uc\nmine id'): Promise<PolicyModel> {
    const model = await read()
    model.replace(text)
    return model
  }

  test('each role has its own, and opening another loses nothing', async () => {
    const model = await changed()
    await model.openRead(roleRead('other id', other), access)
    model.replace('other id2')
    await model.openPasted('pasted id', '')
    model.replace('pasted id2')
    model.keep()
    await quiet()
    expect(draftOf(role)).toBe('catalog uc\nmine id')
    expect(draftOf(other)).toBe('other id2')
    expect(draftOf('')).toBe('pasted id2')

    expect(await model.openKept(role)).toBe(null)
    expect(model).toMatchObject({ stage: 'read', role, text: 'catalog uc\nmine id' })
    expect(model.canUndo).toBe(true)
    // After a restart it is this one.
    expect((await reopened(model)).role).toBe(role)
  })

  test('what waits to be kept of one is not lost to another', async () => {
    const model = await changed()
    await quiet()
    const held = core.hold('policy_draft_save')
    model.type('catalog uc\nmine id2')
    model.keep()
    model.type('catalog uc\nmine id3')
    const opened = model.openRead(roleRead('other id', other), access)
    await held.end()
    await opened
    await quiet()
    expect(draftOf(role)).toBe('catalog uc\nmine id3')
    expect(draftOf(other)).toBe('other id')
  })

  test('one that cannot be kept stays in the window when another is opened', async () => {
    const model = await changed()
    await quiet()
    core.fails.set('policy_draft_save', failure('store_failed', 'The disk is full.', ''))
    model.type('catalog uc\nmine id2')
    await model.openRead(roleRead('other id', other), access)
    await quiet()
    expect(await model.openKept(role)).toBe(null)
    expect(model.text).toBe('catalog uc\nmine id2')
    core.fails.clear()
    model.keep()
    await settled()
    expect(draftOf(role)).toBe('catalog uc\nmine id2')
  })

  test('one that nobody changed leaves nothing behind', async () => {
    const model = await pasted('pasted id', '')
    await model.openRead(roleRead('catalog uc'), access)
    await model.openRead(roleRead('other id', other), access)
    await quiet()
    expect([...core.drafts.keys()]).toEqual([other])
  })

  test('reading a role again goes on with its draft', async () => {
    const model = await changed()
    await model.openRead(roleRead('other id', other), access)
    await model.openRead(roleRead('catalog uc'), access)
    expect(model).toMatchObject({ stage: 'read', role, text: 'catalog uc\nmine id' })
    await model.openRead(roleRead('theirs id'), access)
    expect(model).toMatchObject({ stage: 'drifted', text: 'catalog uc\nmine id' })
  })

  test('a pasted draft of a role goes on when the role is read', async () => {
    const model = await pasted()
    model.replace('catalog uc\nmine id')
    await model.openRead(roleRead('catalog uc'), access)
    expect(model).toMatchObject({ stage: 'read', base: 'catalog uc', text: 'catalog uc\nmine id' })
    await quiet()
    await model.openPasted('pasted id', '')
    await model.openRead(roleRead('theirs id'), access)
    expect(model).toMatchObject({ stage: 'drifted', text: 'catalog uc\nmine id' })
  })

  test('a paste does not take the place of a draft that is not in sight', async () => {
    const model = await changed()
    await model.openPasted('pasted id', '')
    await quiet()
    const refused = await model.openPasted('again id', role)
    expect(refused).toMatchObject({ code: 'wrong_use', field: 'role' })
    expect(await model.nameRole(role)).toEqual(refused)
    expect(model.text).toBe('pasted id')
    // The one in sight is replaced, as its dialog says.
    expect(await model.openPasted('pasted id2', '')).toBe(null)
    model.replace('pasted id3')
    await model.openKept(role)
    expect(await model.openPasted('pasted id4', '')).toMatchObject({ field: 'role' })
    expect(draftOf('')).toBe('pasted id3')
  })

  test('a role that gets its name takes its draft along', async () => {
    const model = await pasted('pasted id', '')
    await quiet()
    await model.nameRole(other)
    await quiet()
    expect([...core.drafts.keys()]).toEqual([other])
  })

  test('a draft that is gone is not opened', async () => {
    const model = await changed()
    expect(await model.openKept(other)).toMatchObject({ code: 'draft_gone' })
    core.fails.set('policy_draft', failure('store_failed', 'Busy.', ''))
    expect(await model.openKept(other)).toMatchObject({ code: 'store_failed' })
    expect(model.text).toBe('catalog uc\nmine id')
  })

  test('a change that ends while another role is open is in the draft of its own role', async () => {
    const model = await read()
    await model.add(goal('segment', 'ws'))
    await model.openRead(roleRead('other id', other), access)
    await model.applied(written(separate))
    await quiet()
    expect(core.drafts.get(role)).toMatchObject({ base: separate, text: separate })
    expect(model).toMatchObject({ role: other, text: 'other id' })
    // The one in sight is still the one that comes back.
    expect((await reopened(model)).role).toBe(other)
  })
})
