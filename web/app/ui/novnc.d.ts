// What the console uses of noVNC, which ships no types.
declare module '@novnc/novnc' {
  export interface RfbOptions {
    shared?: boolean
    wsProtocols?: string[]
  }
  export default class RFB extends EventTarget {
    constructor(target: Element, url: string, options?: RfbOptions)
    scaleViewport: boolean
    background: string
    focusOnClick: boolean
    viewOnly: boolean
    showDotCursor: boolean
    focus(options?: FocusOptions): void
    blur(): void
    disconnect(): void
    sendCtrlAltDel(): void
  }
}
