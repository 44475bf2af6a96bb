// `koto test`: hands over to the runner in test/run, which only a checkout has.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Refusal } from '#kernel/config/refusal.ts'
import { nearest } from '#kernel/config/nearest.ts'
import { flagOption, textOption, type Command } from '#main/cli/command.ts'
import { runToEnd } from '#host/node/terminal-run.ts'

const PARTS = ['unit', 'cloud', 'host', 'web', 'conformance', 'static']

export const test: Command = {
  args: '[part] [word...]',
  options: [
    { flags: '-t, --grep <pattern>', says: { en: 'only tests whose name matches', ja: '名前が合うテストだけ' } },
    { flags: '-v, --verbose', says: { en: 'every test by name', ja: 'すべてのテストの名前を出す' } },
    { flags: '--no-install', says: { en: 'never install missing packages', ja: '足りないパッケージを入れない' } },
  ],
  notes: {
    en: `Parts: ${PARTS.join(', ')}; none means all. WORDs keep files whose path contains one.\nThe last line is: N passed, N failed, N skipped. Exit code 0 when none failed.`,
    ja: `部分: ${PARTS.join('、')}。省けば全部。WORD はファイルのパスで絞り込む。\n最後の行: N passed, N failed, N skipped。失敗がなければ終了コード 0。`,
  },
  async run(given) {
    const main = fileURLToPath(new URL('../../../test/run/main.ts', import.meta.url))
    if (!existsSync(main)) throw new Refusal('The tests come with the source checkout, not with the installed package.')
    const [part, ...words] = given.args
    if (part !== undefined && !PARTS.includes(part) && !/[/.-]/.test(part)) {
      throw new Refusal(`There is no part ${part}; the nearest is ${nearest(part, PARTS)}.`, 2)
    }
    const grep = textOption(given, 'grep')
    const more = [...(grep === undefined ? [] : ['-t', grep]), ...(flagOption(given, 'verbose') ? ['-v'] : [])]
    const argv = [
      process.execPath,
      '--conditions=koto-source',
      main,
      ...(part === undefined ? [] : [part]),
      ...words,
      ...more,
    ]
    return await runToEnd(argv, process.env)
  },
}
