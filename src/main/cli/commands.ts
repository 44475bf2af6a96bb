// Every command a person may type, with its sentence. Files are loaded only when their command is asked for.
import type { Command } from '#main/cli/command.ts'
import type { Text } from '#main/cli/language.ts'

export interface CommandRow {
  readonly name: string
  readonly says: Text
  readonly load: () => Promise<Command>
}

const row = (name: string, en: string, ja: string, load: () => Promise<Command>): CommandRow => ({
  name,
  says: { en, ja },
  load,
})

export const commands: readonly CommandRow[] = [
  row(
    'up',
    'a whole cloud: start it, fill in first data, say how to use it',
    'クラウド全体を起動し、初期データを入れ、使い方を表示する',
    async () => (await import('#main/cli/up.ts')).up,
  ),
  row(
    'down',
    'stop; guests come back with the next up',
    '停止する。ゲストは次の up で戻る',
    async () => (await import('#main/cli/down.ts')).down,
  ),
  row(
    'clean',
    'down, then remove everything Koto made',
    '停止し、Koto が作ったものをすべて消す',
    async () => (await import('#main/cli/clean.ts')).clean,
  ),
  row(
    'status',
    'each component, host and guest',
    '各コンポーネント、ホスト、ゲストの状態',
    async () => (await import('#main/cli/status.ts')).status,
  ),
  row('env', 'export lines for a shell', 'シェル用の export 行', async () => (await import('#main/cli/env.ts')).env),
  row(
    'enter',
    "run a command in the cloud's external network",
    'クラウドの外部ネットワークの中でコマンドを実行する',
    async () => (await import('#main/cli/enter.ts')).enter,
  ),
  row(
    'ssh',
    'log in to a server with the demo key',
    'デモ鍵でサーバーにログインする',
    async () => (await import('#main/cli/ssh.ts')).ssh,
  ),
  row(
    'journey',
    "the 28 steps of a server's boot, as recorded",
    'サーバー起動の 28 段階を記録のまま表示する',
    async () => (await import('#main/cli/journey.ts')).journey,
  ),
  row(
    'why',
    'why a server is in ERROR or a request was refused',
    'サーバーが ERROR の理由、要求が拒まれた理由',
    async () => (await import('#main/cli/why.ts')).why,
  ),
  row(
    'logs',
    'logs of all services, merged by time',
    '全サービスのログを時刻順に表示する',
    async () => (await import('#main/cli/logs.ts')).logs,
  ),
  row(
    'audit',
    'every ledger against the machine',
    'すべての台帳を実機と突き合わせる',
    async () => (await import('#main/cli/audit.ts')).audit,
  ),
  row(
    'exercise',
    'a self-check, as a user would',
    '利用者の手順で自己点検する',
    async () => (await import('#main/cli/exercise.ts')).exercise,
  ),
  row(
    'routes',
    "each service's METHOD PATH, built or not yet",
    '各サービスの METHOD PATH。実装済みか否か',
    async () => (await import('#main/cli/routes.ts')).routes,
  ),
  row(
    'config',
    'every option: type, default, value and its source',
    '全オプションの型、既定値、値とその出所',
    async () => (await import('#main/cli/config.ts')).config,
  ),
  row(
    'doctor',
    'what was found on this machine, and what falls back',
    'このマシンで見つかったもの、代替になるもの',
    async () => (await import('#main/cli/doctor.ts')).doctor,
  ),
  row(
    'test',
    'all tests, or a part of them',
    'テストを実行する(全部または一部)',
    async () => (await import('#main/cli/test.ts')).test,
  ),
  row(
    'bench',
    'the benchmark: figures per operation',
    'ベンチマーク。操作ごとの数値',
    async () => (await import('#main/cli/bench.ts')).bench,
  ),
  row(
    'run',
    'components of a larger cloud in this process',
    'より大きなクラウドの構成要素をこのプロセスで動かす',
    async () => (await import('#main/cli/run.ts')).run,
  ),
]
