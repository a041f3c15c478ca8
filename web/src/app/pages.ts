import {
  IconChartBar, IconCoin, IconGauge, IconHistory, IconKey, IconLayoutDashboard, IconLock, IconPlayerPlay,
  IconSettings, IconShieldCheck, type Icon,
} from '@tabler/icons-react';

export interface Page {
  to: '/' | '/keys' | '/limits' | '/requests' | '/usage' | '/models' | '/credentials' | '/audit' | '/settings' | '/try';
  name: string;
  icon: Icon;
  /** The operation without which there is nothing on the page. */
  needs: string;
  about: string;
}

/** What there is to go to, in the order of the navigation. */
export const pages: Page[] = [
  { to: '/', name: 'Overview', icon: IconLayoutDashboard, needs: 'getOverview', about: 'Spending and what needs attention' },
  { to: '/keys', name: 'Keys', icon: IconKey, needs: 'listKeys', about: 'Virtual keys and their limits' },
  { to: '/limits', name: 'Shared limits', icon: IconGauge, needs: 'listLimits', about: 'Limits over many keys' },
  { to: '/requests', name: 'Requests', icon: IconHistory, needs: 'listRequests', about: 'What was asked, answered and refused' },
  { to: '/usage', name: 'Usage', icon: IconChartBar, needs: 'getUsage', about: 'Sums by key, model, provider and label' },
  { to: '/models', name: 'Models and prices', icon: IconCoin, needs: 'listModels', about: 'What can be called and what it costs' },
  { to: '/credentials', name: 'Providers', icon: IconLock, needs: 'listCredentials', about: 'Their health, and their real keys' },
  { to: '/audit', name: 'Audit', icon: IconShieldCheck, needs: 'listEvents', about: 'Who changed what' },
  { to: '/try', name: 'Try it', icon: IconPlayerPlay, needs: 'tryKey', about: 'Send a prompt with a key' },
  { to: '/settings', name: 'Settings', icon: IconSettings, needs: 'getHealth', about: 'Admin tokens, retention, configuration' },
];
