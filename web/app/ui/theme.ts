// Light, dark, or as the system has it.
import { useState } from 'react'

export const THEMES = ['auto', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const KEY = 'koto.theme'
const DARK = 'pf-v6-theme-dark'

/** Draws the page in the kept theme, and follows the system while that is `auto`. */
export function startTheme(): void {
  paint(keptTheme())
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => paint(keptTheme()))
}

/** The theme chosen and how to choose another. */
export function useTheme(): readonly [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(keptTheme)
  return [
    theme,
    wanted => {
      localStorage.setItem(KEY, wanted)
      paint(wanted)
      setTheme(wanted)
    },
  ]
}

function keptTheme(): Theme {
  const kept = localStorage.getItem(KEY)
  return THEMES.find(theme => theme === kept) ?? 'auto'
}

function paint(theme: Theme): void {
  const dark = theme === 'dark' || (theme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.classList.toggle(DARK, dark)
}
