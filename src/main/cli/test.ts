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
    {
      flags: '--list <file>',
      says: {
        en: 'conformance: run the Tempest tests whose ids are in the file',
        ja: 'conformance: ファイルに書かれた ID の Tempest テストを動かす',
      },
    },
    {
      flags: '--real',
      says: {
        en: 'with --list: real guests and networks; tests log in',
        ja: '--list とともに: 本物のゲストとネットワークで動かし、ログインもする',
      },
    },
    {
      flags: '--report <file>',
      says: {
        en: 'with --list: write counts and what is red to a Markdown file',
        ja: '--list とともに: 件数と失敗を Markdown ファイルに書く',
      },
    },
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
    const list = textOption(given, 'list')
    if (list !== undefined && !existsSync(list)) throw new Refusal(`There is no list ${list}.`, 2)
    const report = textOption(given, 'report')
    if (list !== undefined)
      more.push(
        '--list',
        list,
        ...(report === undefined ? [] : ['--report', report]),
        ...(flagOption(given, 'real') ? ['--real'] : []),
      )
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
