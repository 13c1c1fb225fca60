// The interface between the page and the core, whatever carries it (`tauri.ts` or `http.ts`), and the shape of a
// failure.

import type { Commands, Failure } from './generated'

export type Name = keyof Commands

export interface Options<K extends Name> {
  /** The page's name for the call, by which it can be stopped. */
  call?: string
  progress?: (progress: Commands[K]['progress']) => void
}

export interface Host {
  /** Rejects with a `Failure`, and with nothing else. */
  call<K extends Name>(
    name: K,
    request: Commands[K]['request'],
    options?: Options<K>,
  ): Promise<Commands[K]['response']>
}

/** The profile that the page shows, by its id; null until it knows. In another one the core changes nothing. */
export const shown: { profile: string | null } = { profile: null }

/** Ids name calls here and in the log. */
export function newCall(): string {
  return crypto.randomUUID().replaceAll('-', '').slice(0, 12)
}

export function failure(code: string, message: string, hint: string): Failure {
  return { code, message, hint, field: null, retryable: true, trace: null }
}

/** What was thrown, in the one shape. */
export function asFailure(thrown: unknown): Failure {
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && 'message' in thrown) {
    return thrown as Failure
  }
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  return failure('page_failed', text, 'Reload the page; nothing that was written is lost.')
}
