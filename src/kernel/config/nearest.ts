// The word a person most likely meant.

/** Edit distance with neighbouring letters exchanged counted as one. Both words short: cost is their product. */
export function distance(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (before[j - 2] ?? 0) + 1)
      row.push(best)
    }
    before = last
    last = row
  }
  return last[b.length] ?? 0
}

/** The closest of `words`, the first among equals; null when there are none or `word` is absurdly long. */
export function nearest(word: string, words: readonly string[]): string | null {
  if (word.length > 100) return words[0] ?? null
  let best: string | null = null
  let least = Infinity
  for (const candidate of words) {
    const d = candidate.startsWith(word) && word !== '' ? 0.5 : distance(word.toLowerCase(), candidate.toLowerCase())
    if (d < least) {
      least = d
      best = candidate
    }
  }
  return best
}
