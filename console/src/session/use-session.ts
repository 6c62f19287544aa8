import { useSyncExternalStore } from 'react';
import { currentSession, type Session, watchSession } from './session.ts';

/** The session, followed. */
export function useSession(): Session {
  return useSyncExternalStore(watchSession, currentSession);
}
