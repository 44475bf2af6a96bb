// The console in a real browser against a running cloud: what a person does on the first day, by roles and labels.
// Starts a simulated and a real cloud of its own. With KOTO_TEST_URL (e.g. http://127.0.0.1:8080) and KOTO_TEST_PASSWORD it
// takes that one instead; KOTO_TEST_SIMULATED=1 then leaves out the screen, which a simulated hypervisor does not have.
// Screenshots are kept where KOTO_TEST_SHOTS says.
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { chromiumPath, cloudsToTry, type CloudAtHand, type CloudToTry } from './own-cloud.ts'

const shots = process.env['KOTO_TEST_SHOTS']

/** A guest's whole boot under emulation. */
const BOOT_MS = 180_000
const NAME = `web-test-${process.pid}`

for (const cloud of cloudsToTry()) {
  void describe(`the web console of a cloud: ${cloud.name}`, { skip: cloud.skip }, () => firstDay(cloud))
}

function firstDay({ simulated, start }: CloudToTry): void {
  let cloud: CloudAtHand
  let url = ''
  let password = ''
  let browser: Browser
  let context: BrowserContext
  let page: Page
  const complaints: string[] = []

  const shot = async (of: string, on = page): Promise<void> => {
    if (shots !== undefined) await on.screenshot({ path: join(shots, `${simulated ? 'simulated' : 'real'}-${of}.png`) })
  }
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const tab = (name: string) => page.getByRole('tab', { name, exact: true }).click()

  const signIn = async (user: string, secret: string): Promise<void> => {
    await page.getByLabel('User name').fill(user)
    await page.getByLabel('Password').fill(secret)
    await button('Sign in').click()
  }

  before(async () => {
    if (shots !== undefined) await mkdir(shots, { recursive: true })
    cloud = await start()
    url = cloud.url
    password = cloud.password
    browser = await chromium.launch({
      executablePath: chromiumPath,
      headless: true,
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
    context = await browser.newContext({ viewport: { width: 1360, height: 860 }, locale: 'en-US' })
    context.setDefaultTimeout(15_000)
    page = await context.newPage()
    page.on('pageerror', error => complaints.push(String(error)))
    page.on('console', message => {
      // A refused API call is also logged by the browser; those are asked for in this test.
      if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) complaints.push(message.text())
    })
  })

  after(async () => {
    await browser?.close()
    await cloud?.end()
  })

  void test('the first view is under 300 kB of compressed script', async () => {
    const scripts: Promise<number>[] = []
    page.on('response', response => {
      if (response.url().endsWith('.js')) scripts.push(response.body().then(body => gzipSync(body).length))
    })
    await page.goto(url, { waitUntil: 'networkidle' })
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    const bytes = (await Promise.all(scripts)).reduce((sum, size) => sum + size, 0)
    page.removeAllListeners('response')
    assert.ok(bytes > 0 && bytes < 300_000, `${bytes} bytes`)
    await shot('sign-in')
  })

  void test('a wrong password is told, and a page asked for before signing in is where one lands', async () => {
    await page.goto(`${url}/servers`)
    await signIn('demo', `${password}-wrong`)
    await page.getByText('is not right').waitFor()
    await page.getByLabel('Password').fill(password)
    await button('Sign in').click()
    await page.getByRole('heading', { name: 'Servers', level: 1 }).waitFor()
    assert.equal(new URL(page.url()).pathname, '/servers')
  })

  void test('the overview shows the quota', async () => {
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByRole('meter', { name: 'vCPUs' }).waitFor()
    await page.getByRole('meter', { name: 'Volumes', exact: true }).waitFor()
    await shot('overview')
  })

  void test('a server is launched, and its 28 steps are seen', async () => {
    await page.getByRole('link', { name: 'Launch server' }).click()
    await page.getByLabel('Name').waitFor()
    await page.getByText('it has no name').first().waitFor()
    assert.equal(await button('Launch').getAttribute('aria-disabled'), 'true')
    await page.getByLabel('Name').fill(NAME)
    await shot('launch')
    await button('Launch').click()
    await page.getByRole('table', { name: 'The steps of the boot' }).waitFor()
    await shot('journey-live')
    await page.getByText('28 of 28').waitFor({ timeout: BOOT_MS })
    const lines = page.getByRole('table', { name: 'The steps of the boot' }).locator('tr.koto-done')
    assert.equal(await lines.count(), 28)
    await page.getByText('Active', { exact: true }).waitFor({ timeout: BOOT_MS })
    await shot('journey-book')
    await button('Today').click()
    await page.getByText('Everything that crossed').waitFor()
    assert.ok((await lines.count()) >= 28)
    await shot('journey-today')
  })

  void test('the server tells what it is, and its log is read', async () => {
    await tab('Overview')
    await page.getByText('koto-tiny').first().waitFor()
    await shot('server')
    await tab('Log')
    await page.getByRole('log').waitFor({ timeout: 60_000 })
    await page.waitForFunction(() => (document.querySelector('.xterm-rows')?.textContent?.trim() ?? '') !== '')
    await shot('log')
  })

  // A simulated server has no screen.
  const onScreen = simulated ? () => undefined : test
  void onScreen('its screen opens in the page', async () => {
    await tab('Console')
    await page.getByText('Connected', { exact: true }).waitFor({ timeout: 30_000 })
    await pictureOn(page)
    await shot('console')
  })

  void onScreen('the address of openstack console url show opens without signing in', async () => {
    const serverId = new URL(page.url()).pathname.split('/').at(-1) ?? ''
    const address = await consoleAddress({ url, password }, serverId)
    const stranger = await browser.newContext({ viewport: { width: 1024, height: 700 } })
    const screen = await stranger.newPage()
    const path = new URL(address)
    await screen.goto(new URL(path.pathname + path.search, url).href)
    await screen.getByText('Connected', { exact: true }).waitFor({ timeout: 30_000 })
    await pictureOn(screen)
    await shot('console-window', screen)
    await screen.reload()
    await screen.getByText('works once').waitFor()
    await stranger.close()
  })

  void test('commands show what was asked, without secrets', async () => {
    await button('Commands').click()
    await page.getByText('openstack server create').first().waitFor()
    await button('curl').click()
    const text = await page.getByRole('region', { name: 'What this page just asked for' }).innerText()
    assert.ok(!text.includes(password) && !text.includes('gAAAA'), 'a secret is shown')
    await shot('commands')
    await button('Close').first().click()
  })

  void test('it stops, starts and is deleted', async () => {
    await tab('Overview')
    await button('Stop').click()
    await page.getByText('Stopped', { exact: true }).waitFor({ timeout: BOOT_MS })
    await button('Start').click()
    await page.getByText('Active', { exact: true }).waitFor({ timeout: BOOT_MS })
    await button('Delete').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('cannot be undone').waitFor()
    await shot('delete')
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('heading', { name: 'Servers', level: 1 }).waitFor()
    await page.getByRole('grid', { name: 'Servers' }).or(page.getByText('No servers yet')).first().waitFor()
    await page.getByRole('link', { name: NAME }).waitFor({ state: 'detached', timeout: BOOT_MS })
    await shot('servers')
  })

  void test('a session that ended leads back, and never to another site', async () => {
    await page.evaluate(() => {
      const kept = JSON.parse(sessionStorage.getItem('koto.session') ?? '{}') as Record<string, unknown>
      sessionStorage.setItem('koto.session', JSON.stringify({ ...kept, token: 'worn-out' }))
    })
    await page.goto(`${url}/servers`)
    await page.getByText('Your sign-in has ended').waitFor()
    await signIn('demo', password)
    await page.waitForURL(`${url}/servers`)
    await page.goto(`${url}/sign-in?to=${encodeURIComponent('//elsewhere.example/')}`)
    await signIn('demo', password)
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    assert.equal(new URL(page.url()).origin, new URL(url).origin)
  })

  void test('it speaks Japanese, in the dark, on a telephone', async () => {
    await page.emulateMedia({ colorScheme: 'dark' })
    await button('demo').click()
    await page.getByRole('menuitem', { name: '日本語' }).click()
    await page.getByRole('heading', { name: '概要', level: 1 }).waitFor()
    await page.keyboard.press('Escape')
    await shot('japanese-dark')
    await page.setViewportSize({ width: 390, height: 844 })
    await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth)
    await shot('phone')
  })

  void test('the browser had nothing to complain about', () => {
    assert.deepEqual(complaints, [])
  })
}

/** The guest's picture: of its own size, drawn with one on the page, and with something on it. */
async function pictureOn(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const picture = document.querySelector('canvas')
    if (picture === null || picture.width <= 300 || picture.getBoundingClientRect().height <= 100) return false
    const { data } = picture.getContext('2d')?.getImageData(0, 0, picture.width, picture.height) ?? { data: [] }
    return data.filter((value, index) => index % 4 !== 3 && value > 100).length > 300
  })
}

/** A new console address of a server, asked for as the command-line client does. */
async function consoleAddress(
  { url, password }: Pick<CloudAtHand, 'url' | 'password'>,
  serverId: string,
): Promise<string> {
  const signIn = await fetch(`${url}/identity/v3/auth/tokens`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: { methods: ['password'], password: { user: { name: 'demo', domain: { id: 'default' }, password } } },
        scope: { project: { name: 'demo', domain: { id: 'default' } } },
      },
    }),
  })
  const token = signIn.headers.get('x-subject-token') ?? ''
  const answer = await fetch(`${url}/compute/v2.1/servers/${serverId}/remote-consoles`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Auth-Token': token, 'OpenStack-API-Version': 'compute 2.6' },
    body: JSON.stringify({ remote_console: { protocol: 'vnc', type: 'novnc' } }),
  })
  const body = (await answer.json()) as { remote_console: { url: string } }
  return body.remote_console.url
}
