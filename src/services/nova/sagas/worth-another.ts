// Which failures on one host are worth trying another one.

/** What another host might do better. A refused request (4xx of a neighbour, a bad image) is not. */
export const worthAnother = (error: Error): boolean => {
  const { code, status } = error as { code?: string; status?: number }
  return (
    code === 'HostFull' ||
    code === 'MigrationPreCheckError' ||
    (code !== 'BuildAborted' && code !== 'RemoteFault' && !(status !== undefined && status < 500))
  )
}
