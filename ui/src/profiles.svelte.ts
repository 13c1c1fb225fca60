// The profiles and the one in use: read when the window starts, and again when the core reports that they changed.

import { ask, type CoreEvent, type Profile, type ProfileSettings } from './api'
import { events } from './api/events.svelte'
import { shown } from './api/host'

export class ProfileBook {
  /** In the order of their names. */
  list = $state.raw<readonly Profile[]>([])

  #round = 0

  get inUse(): Profile | undefined {
    return this.list.find((one) => one.in_use)
  }

  /** Rejects with a `Failure` when the profiles cannot be read. */
  async begin(): Promise<void> {
    await this.read()
    events.listen((event) => this.hear(event))
  }

  hear(event: CoreEvent): void {
    const changed = event.kind === 'changed' && event.tags.includes('profiles')
    // The last known profiles stay when they cannot be read; the pages show the error.
    if (event.kind === 'missed' || changed) this.read().catch(() => {})
  }

  /** Reads them again. An older answer is never shown after a newer one. */
  async read(): Promise<void> {
    const round = (this.#round += 1)
    const { profiles } = await ask('profiles_list', {})
    if (round !== this.#round) return
    this.list = profiles
    shown.profile = this.inUse?.id ?? null
  }

  /** Works in another profile from now on. */
  async use(name: string): Promise<void> {
    await ask('profiles_use', { name })
    await this.read()
  }

  async remove(name: string): Promise<void> {
    await ask('profiles_remove', { name })
    await this.read()
  }

  /** Saves a profile: one that is there under its name, else a new one. */
  async save(name: string | null, settings: ProfileSettings): Promise<void> {
    if (name === null) await ask('profiles_add', settings)
    else await ask('profiles_change', { name, settings })
    await this.read()
  }
}

/** The settings of a profile; of a new one the defaults. */
export function settingsOf(profile?: Profile): ProfileSettings {
  if (!profile) {
    return {
      name: '',
      kind: 'real',
      colour: 'grey',
      read_only: false,
      aws: { profile: null, region: null, endpoint_url: null, account_id: null },
      role_arn: null,
      bucket: null,
      prefix: null,
      writers: ['headgate'],
      external_ids: { headgate: null, segment: null },
    }
  }
  const { name, kind, colour, read_only, aws, role_arn, bucket, prefix } = profile
  const { writers, external_ids } = profile
  return { name, kind, colour, read_only, aws, role_arn, bucket, prefix, writers, external_ids }
}

/** How a profile reaches AWS, in a few words. */
export function reachOf({ aws }: Pick<Profile, 'aws'>): string {
  const said = [
    aws.profile ? `AWS profile ${aws.profile}` : 'Default credential chain',
    aws.region,
    aws.endpoint_url,
  ]
  return said.filter(Boolean).join(', ')
}

/** Why nothing is applied in a profile; empty when it may be. */
export function whyReadOnly(profile: Profile | undefined): string {
  if (!profile?.read_only) return ''
  return `Profile ${profile.name} is read-only. Switch that off in Settings to apply.`
}

export const profiles = new ProfileBook()
