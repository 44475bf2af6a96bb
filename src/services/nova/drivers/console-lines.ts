// The end of a console's text, counted in lines as clients of the compute API count them.

/** The last `lines` lines of a text, all when absent or negative. */
export function lastLines(text: string, lines?: number): string {
  if (lines === undefined || lines < 0) return text
  if (lines === 0) return ''
  const end = text.endsWith('\n') ? text.length - 1 : text.length
  let at = end
  for (let count = 0; count < lines; count++) {
    at = text.lastIndexOf('\n', at - 1)
    if (at < 0) return text
  }
  return text.slice(at + 1)
}
