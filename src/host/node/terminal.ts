// What a person's terminal can show, and plain tables for it.
import { styleText } from 'node:util'

export type Paint = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Colours a word when the stream is a terminal and NO_COLOR is not set. */
export function painter(stream: NodeJS.WriteStream): (paint: Paint, text: string) => string {
  const on = stream.isTTY && process.env['NO_COLOR'] === undefined && process.env['TERM'] !== 'dumb'
  return (paint, text) => (on ? styleText(paint, text, { validateStream: false }) : text)
}

/** Columns a text takes: East Asian wide letters count two. */
export function widthOf(text: string): number {
  let width = 0
  // eslint-disable-next-line no-control-regex
  for (const letter of text.replace(/\u001b\[[0-9;]*m/g, '')) {
    const code = letter.codePointAt(0) ?? 0
    const wide =
      (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) || (code >= 0xac00 && code <= 0xd7a3)
    width += wide || (code >= 0xf900 && code <= 0xfaff) || (code >= 0xfe30 && code <= 0xff60) || code >= 0x1f300 ? 2 : 1
  }
  return width
}

/** Rows in columns two blanks apart; a column of numbers stands right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const cells = rows.map(row => row.map(cell => (cell === null ? '-' : String(cell))))
  const right = head.map((_, i) => rows.length > 0 && rows.every(row => typeof row[i] === 'number' || row[i] === null))
  const widths = head.map((title, i) => Math.max(widthOf(title), ...cells.map(row => widthOf(row[i] ?? ''))))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => {
        const blanks = ' '.repeat(Math.max(0, (widths[i] ?? 0) - widthOf(cell)))
        return right[i] === true ? blanks + cell : cell + blanks
      })
      .join('  ')
      .trimEnd()
  return [head, ...cells].map(row => `${line(row)}\n`).join('')
}

/** A control character in a stranger's text must not reach the terminal: it is shown as its escape. */
export const harmless = (text: string): string =>
  // eslint-disable-next-line no-control-regex
  text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g,
    letter => `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
