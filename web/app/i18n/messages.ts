// The shape of all languages, and what makes an unknown key a compile error.
import 'i18next'
import type { en } from '#app/i18n/en.ts'

type Words<T> = { readonly [K in keyof T]: T[K] extends string ? string : Words<T[K]> }

/** English's keys, any words. */
export type Messages = Words<typeof en>

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'koto'
    resources: { koto: typeof en }
    returnNull: false
  }
}
