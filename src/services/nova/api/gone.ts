// What is gone says so.
import { Fault } from '#kernel/contract/fault.ts'
import { handlers, type AnyHandler, type HandlerTable } from '#kernel/http/handlers.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { bareMetal, gone } from '#services/nova/contract/gone.ts'

const refuse = (): never => {
  throw new Fault('Gone', 410, 'This resource is no longer available.  No forwarding address is given.')
}
const useIronic = (command: string) => (): never => {
  throw faults.BadRequest({
    reason: `Command not supported. Please use Ironic command ${command} to perform this action.`,
  })
}
const noIronic = (): never => {
  throw new Fault('NoBareMetal', 501, 'There is no Bare Metal service to ask.')
}

export const goneHandlers = (): HandlerTable[] => [
  { routes: gone, handlers: Object.fromEntries(Object.keys(gone).map((name): [string, AnyHandler] => [name, refuse])) },
  handlers(bareMetal, {
    list: noIronic,
    show: noIronic,
    create: useIronic('node-create'),
    remove: useIronic('node-delete'),
    addInterface: useIronic('port-create'),
    removeInterface: useIronic('port-delete'),
  }),
]
