// Provides the model of the policy page by Svelte context: one for each profile and visit. What outlives a visit
// is in the profile's session.

import { getContext, onDestroy, setContext } from 'svelte'
import { ask } from '../../api'
import { events } from '../../api/events.svelte'
import { toast } from '../../toast.svelte'
import { PolicyModel } from './model'
import { PolicySession } from './session.svelte'

const key = Symbol('policy')
const sessions = new Map<string, PolicySession>()

/** Makes the model of a profile for the component and all in it; it is closed with the component. */
export function providePolicy(profile: string): PolicyModel {
  let session = sessions.get(profile)
  if (!session) {
    const begun = (session = new PolicySession(ask, profile))
    sessions.set(profile, begun)
    // Also for a page that was left a moment before.
    events.beforeLeaving(() => begun.settled())
  }
  const model = new PolicyModel({ ask, session, note: (text) => toast.note(text) })
  void model.load()
  const stay = events.beforeLeaving(() => model.finish())
  onDestroy(() => {
    stay()
    model.close()
  })
  return setContext(key, model)
}

/** The model of the page. */
export function policyModel(): PolicyModel {
  return getContext<PolicyModel>(key)
}
