// The picture of the networks: bars, routers and servers, with lines where they meet.
import { useTranslation } from 'react-i18next'
import type { Topology } from '#app/api/topology.ts'
import '#app/ui/topology.css'

const BOX = { width: 120, height: 36 } as const
const short = (text: string): string => (text.length > 15 ? `${text.slice(0, 14)}…` : text)

export function TopologyPicture({ topology }: { readonly topology: Topology }) {
  const { t } = useTranslation()
  const { width, height, bars, nodes } = topology
  return (
    <div className="koto-topology">
      <svg role="img" aria-label={t('things.networks.picture')} width={width} height={height}>
        {bars.map(bar => (
          <g key={bar.id} className={bar.external ? 'koto-bar-external' : 'koto-bar-inside'}>
            <title>{bar.name}</title>
            <rect x={8} y={bar.y - 5} width={width - 16} height={10} rx={5} />
            <text x={12} y={bar.y - 10}>
              {bar.name}
            </text>
          </g>
        ))}
        {nodes.map(node => (
          <g key={node.id} className={`koto-node-${node.kind}`}>
            <title>{`${node.name}: ${node.links.map(link => link.address).join(', ')}`}</title>
            {node.links.map((link, index) => (
              <g key={`${link.y}-${link.address}`}>
                <line x1={node.x + index * 8} y1={link.y} x2={node.x + index * 8} y2={node.y} />
                <circle cx={node.x + index * 8} cy={link.y} r={4} />
                <text x={node.x + index * 8 + 6} y={link.y + (link.y > node.y ? -14 : 20)} className="koto-address">
                  {link.address}
                </text>
              </g>
            ))}
            <rect
              x={node.x - BOX.width / 2}
              y={node.y - BOX.height / 2}
              width={BOX.width}
              height={BOX.height}
              rx={node.kind === 'router' ? 18 : 6}
            />
            <text x={node.x} y={node.y + 5} textAnchor="middle">
              {short(node.name)}
            </text>
          </g>
        ))}
      </svg>
    </div>
  )
}
