// Loads the editor's chunk when the first text is shown.

import { failure } from '../../api/host'

/** Loads the chunk. Rejects with a `Failure`. */
export async function codemirror(): Promise<typeof import('./codemirror')> {
  try {
    return await import('./codemirror')
  } catch {
    throw failure(
      'page_failed',
      'The text editor could not be loaded.',
      'Try again; the draft is kept.',
    )
  }
}
