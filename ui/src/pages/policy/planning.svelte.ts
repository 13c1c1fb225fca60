// The form of the draft: the plan that it came from, what each form would change, and the form chosen for the
// next plan. A part of the model, which alone tells it of plans.

import type { KeptPlan, PlanForm, PolicyCards } from '../../api'
import { formGiving, formOf, type DraftForm } from './forms'
import { previewsOf, type Ask, type PlanInput, type PlanPreview } from './requests'

type DraftPlan = KeptPlan & { form: PlanForm | null }

/** A draft as plans see it. */
export type Planned = Omit<PlanInput, 'form'> & {
  base: string
  /** Whether goals are switched on and not allowed. */
  lacks: boolean
}

export class Planning {
  readonly #ask: Ask
  #plan = $state.raw<DraftPlan | null>(null)
  #previews = $state.raw<Record<PlanForm, PlanPreview> | null>(null)
  #preferred = $state<PlanForm>('separate')

  constructor(ask: Ask) {
    this.#ask = ask
  }

  /** The form that was chosen last. */
  get preferred(): PlanForm {
    return this.#preferred
  }
  /** What each form would do: for the callers of the last plan, or for those who are missing. */
  get previews(): Record<PlanForm, PlanPreview> | null {
    return this.#previews
  }
  /** The last plan, as it is kept. */
  get kept(): KeptPlan | null {
    if (!this.#plan) return null
    const { from, goals, after } = this.#plan
    return { from, goals, after }
  }

  /** Another draft, and the plan that it came from. */
  begin(plan: KeptPlan | null): void {
    this.#previews = null
    this.#plan = plan && { ...plan, form: null }
  }

  prefer(form: PlanForm): void {
    this.#preferred = form
  }

  /** A plan was taken. Where nothing was to be done, it says nothing of the form. */
  took(plan: KeptPlan, form: PlanForm): void {
    if (plan.after !== plan.from) this.#plan = { ...plan, form }
  }

  /** Another text is compared with: only a plan that began from it still counts. */
  rebase(base: string): void {
    if (this.#plan?.from !== base) this.#plan = null
  }

  forget(): void {
    this.#plan = null
  }

  /** The plan that gave a text. */
  of(text: string): KeptPlan | null {
    return this.#plan?.after === text ? this.#plan : null
  }

  /** The form that a text has; what was chosen where both would look alike. */
  formOf(
    { text, goals, role }: Pick<PlanInput, 'text' | 'goals' | 'role'>,
    policy: PolicyCards | null,
  ): DraftForm {
    const plan = this.#plan
    if (plan?.form && plan.after === text) return plan.form
    return formOf(policy, goals, role) ?? this.#preferred
  }

  /**
   * Asks what each form would do. A draft that is what a plan of its callers on the base gives counts as
   * one that came from it: so a plan can be made again after a restart, and after Undo.
   */
  async preview(draft: Planned, isLatest: () => boolean): Promise<void> {
    const { text, base, role, quota } = draft
    const plan = this.of(text)
    const isNext = !plan && draft.lacks
    if (!role || (!plan && !isNext && text === base)) {
      this.#previews = null
      return
    }
    const from = plan?.from ?? (isNext ? text : base)
    const goals = plan?.goals ?? draft.goals
    const previews = await previewsOf(this.#ask, { text: from, role, goals, quota })
    if (!isLatest()) return
    const form = isNext ? null : formGiving(previews, text)
    this.#previews = form || isNext ? previews : null
    if (form) this.#plan = { from, goals, after: text, form }
    // A plan that gives something else today cannot be made again.
    else if (plan) this.#plan = null
  }
}
