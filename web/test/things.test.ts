// The pages of images, volumes, networks, addresses and groups in a real browser against a running, simulated cloud. Environment:
// as console.test.ts.
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { chromium, type Browser, type Locator, type Page } from 'playwright-core'
import { chromiumPath, cloudsToTry, type CloudAtHand, type CloudToTry } from './own-cloud.ts'

const shots = process.env['KOTO_TEST_SHOTS']
const NAME = `things-${process.pid}`

for (const cloud of cloudsToTry().filter(one => one.simulated)) {
  void describe(`storage and networks in the console of a cloud: ${cloud.name}`, { skip: cloud.skip }, () =>
    things(cloud),
  )
}

function things({ start }: CloudToTry): void {
  let cloud: CloudAtHand
  let browser: Browser
  let page: Page
  const complaints: string[] = []
  const shot = async (of: string): Promise<void> => {
    if (shots !== undefined) await page.screenshot({ path: join(shots, `things-${of}.png`) })
  }
  const link = (name: string): Promise<void> => page.getByRole('link', { name, exact: true }).click()
  const button = (name: string, on: Page | Locator = page): Locator => on.getByRole('button', { name, exact: true })
  const dialog = (): Locator => page.getByRole('dialog')
  const table = (name: string): Locator => page.getByRole('grid', { name, exact: true })
  const row = (name: string, of = NAME): Locator => table(name).getByRole('row').filter({ hasText: of })
  const act = async (of: string, action: string): Promise<void> => {
    await button(`Actions for ${of}`).click()
    await page.getByRole('menuitem', { name: action, exact: true }).click()
  }
  const closed = (): Promise<void> => dialog().waitFor({ state: 'detached' })

  before(async () => {
    if (shots !== undefined) await mkdir(shots, { recursive: true })
    cloud = await start()
    browser = await chromium.launch({
      executablePath: chromiumPath,
      headless: true,
      args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
    })
    const context = await browser.newContext({ viewport: { width: 1360, height: 860 }, locale: 'en-US' })
    context.setDefaultTimeout(20_000)
    page = await context.newPage()
    page.on('pageerror', error => complaints.push(String(error)))
    await page.goto(cloud.url)
    await page.getByLabel('User name').fill('demo')
    await page.getByLabel('Password').fill(cloud.password)
    await button('Sign in').click()
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  })
  after(async () => {
    await browser?.close()
    await cloud?.end()
  })

  void test('an image is uploaded, and refused when its bytes are something else', async () => {
    await link('Images')
    await row('Images', 'koto-tiny').first().waitFor()
    const file = join(tmpdir(), `${NAME}.raw`)
    await writeFile(file, Buffer.alloc(100_000, 7))
    await button('Create image').click()
    await dialog().getByText('It has no name yet.').waitFor()
    await dialog().getByLabel('Name').fill(NAME)
    await dialog().getByLabel('File').setInputFiles(file)
    await button('Create', dialog()).click()
    await page.getByText('was not created').first().waitFor() // qcow2 it is not
    await dialog().getByLabel('Format').selectOption('raw')
    await shot('image-create')
    await button('Create', dialog()).click()
    await closed()
    await row('Images').getByText('active').waitFor()
    await page.locator('.pf-v6-c-alert', { hasText: 'was not created' }).getByRole('button', { name: 'Close' }).click()
    assert.equal(await row('Images').count(), 1)
    await shot('images')
  })

  void test('a volume is made of it, grown, copied and deleted', async () => {
    await act(NAME, 'Create volume')
    await dialog().getByLabel('Name').fill(NAME)
    await button('Create', dialog()).click()
    await closed()
    await link('Volumes')
    await row('Volumes').getByText('available').waitFor()
    await act(NAME, 'Extend')
    await dialog().getByLabel('Size in GB').fill('1')
    await dialog().getByText('2 GB or more').waitFor()
    await dialog().getByLabel('Size in GB').fill('3')
    await button('Extend', dialog()).click()
    await closed()
    await row('Volumes')
      .getByRole('cell', { name: '3', exact: true })
      .or(row('Volumes').getByRole('gridcell', { name: '3', exact: true }))
      .waitFor()
    await row('Volumes').getByText('available').waitFor()
    await act(NAME, 'Create snapshot')
    await dialog().getByLabel('Name').fill(`${NAME}-copy`)
    await button('Create', dialog()).click()
    await closed()
    await row('Snapshots').getByText('available').waitFor()
    await shot('volumes')
    await act(`${NAME}-copy`, 'Delete')
    await button('Delete', dialog()).click()
    await row('Snapshots').waitFor({ state: 'detached' })
  })

  void test('a server gets it, and gives it back', async () => {
    await link('Servers')
    await page.getByRole('link', { name: 'Launch server' }).first().click()
    await page.getByLabel('Name').fill(`${NAME}-server`)
    await button('Launch').click()
    await page.getByText('28 of 28').waitFor({ timeout: 60_000 })
    await link('Volumes')
    await act(NAME, 'Attach')
    await dialog()
      .getByLabel('Server')
      .selectOption({ label: `${NAME}-server` })
    await button('Attach', dialog()).click()
    await closed()
    await row('Volumes').getByText('in-use').waitFor()
    await page.getByRole('link', { name: `${NAME}-server` }).waitFor()
    await act(NAME, 'Detach')
    await row('Volumes').getByText('available').waitFor()
    await act(NAME, 'Delete')
    await button('Delete', dialog()).click()
    await row('Volumes').waitFor({ state: 'detached' })
  })

  void test('the networks are a picture, and one is made and deleted', async () => {
    await link('Networks')
    const picture = page.getByRole('img', { name: 'Picture of the networks and what hangs on them' })
    await picture.getByText('router1', { exact: true }).waitFor()
    await picture.locator('text', { hasText: 'public' }).waitFor()
    await button('Create network').click()
    await dialog().getByLabel('Name').fill(NAME)
    await dialog().getByLabel('Addresses (CIDR)').fill('10.77.0.0/24')
    await button('Create', dialog()).click()
    await closed()
    await row('Networks').getByText('10.77.0.0/24').waitFor()
    await shot('networks')
    await act(NAME, 'Delete')
    await button('Delete', dialog()).click()
    await row('Networks').waitFor({ state: 'detached' })
  })

  void test('an address is allocated, pointed at a server, taken back and released', async () => {
    await link('Floating IPs')
    await button('Allocate address').click()
    await button('Allocate address', dialog()).click()
    await closed()
    const first = row('Floating IPs', '172.24.4.').first()
    const address = (await first.locator('code').first().textContent()) ?? ''
    const only = row('Floating IPs', address)
    await act(address, 'Associate')
    const port = await dialog()
      .locator('option', { hasText: `${NAME}-server` })
      .getAttribute('value')
    await dialog().getByLabel('Server').selectOption(port)
    await button('Associate', dialog()).click()
    await closed()
    await only.getByText(`${NAME}-server`).waitFor()
    await shot('floating-ips')
    await act(address, 'Disassociate')
    await only.getByText('none').waitFor()
    await act(address, 'Release')
    await only.waitFor({ state: 'detached' })
  })

  void test('a group gets a rule and loses it', async () => {
    await link('Security groups')
    await button('Create security group').click()
    await dialog().getByLabel('Name').fill(NAME)
    await button('Create', dialog()).click()
    await closed()
    await button(NAME).click()
    const rules = `Rules of ${NAME}`
    await table(rules).waitFor()
    await button('Add rule').click()
    await dialog().getByLabel('Ports').fill('nonsense')
    await dialog().getByText('Ports are written like').waitFor()
    await dialog().getByLabel('Ports').fill('22')
    await button('Add rule', dialog()).click()
    await closed()
    await row(rules, '22').waitFor()
    await shot('security-groups')
    await act('in tcp 22', 'Delete')
    await row(rules, '22').waitFor({ state: 'detached' })
    await act(NAME, 'Delete')
    await button('Delete', dialog()).click()
    await row('Security groups').waitFor({ state: 'detached' })
  })

  void test('the pages fit a phone, and the browser had nothing to complain about', async () => {
    await page.setViewportSize({ width: 390, height: 844 })
    for (const path of ['images', 'volumes', 'networks', 'floating-ips', 'security-groups']) {
      await page.goto(`${cloud.url}/${path}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth)
    }
    assert.deepEqual(complaints, [])
  })
}
