// What one can do to a server from any page: do it, say what came of it, and have the lists look again.
import { useMutation, useQueryClient, type UseMutationResult } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { actOnServer, deleteServer, type Server, type ServerAction } from '#app/api/compute.ts'
import { serverCan, type ServerVerb } from '#app/api/server-can.ts'
import { useClient, useIsAdmin } from '#app/ui/cloud.tsx'
import { useStatusName } from '#app/ui/status-label.tsx'
import { useToasts } from '#app/ui/toasts.tsx'

export interface Deed {
  readonly server: Server
  readonly verb: ServerAction | 'delete'
}

/** Runs a deed; a failure is told in a toast and kept in the result. */
export function useServerDeed(): UseMutationResult<void, Error, Deed> {
  const { t } = useTranslation()
  const client = useClient()
  const queries = useQueryClient()
  const toasts = useToasts()
  return useMutation({
    mutationFn: ({ server, verb }) =>
      verb === 'delete' ? deleteServer(client, server.id) : actOnServer(client, server.id, verb),
    onSuccess: (_nothing, { server, verb }) => toasts.done(t(`server.done.${verb}`, { name: server.name })),
    onError: (error, { server, verb }) => toasts.failed(t(`server.failed.${verb}`, { name: server.name }), error),
    onSettled: () => queries.invalidateQueries({ queryKey: ['servers'] }),
  })
}

/** Why `verb` would be refused now, in words; null when it would not. */
export function useWhyNot(): (verb: ServerVerb, server: Server) => string | null {
  const { t } = useTranslation()
  const admin = useIsAdmin()
  const statusName = useStatusName()
  return (verb, server) => {
    const verdict = serverCan(verb, server, admin)
    if (verdict.ok) return null
    const state = verdict.because === 'wrong-state' ? statusName(verdict.state) : verdict.state
    return t(`server.cannot.${verdict.because}`, { state })
  }
}
