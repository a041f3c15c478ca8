import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['src/api/schema.ts', 'node_modules', 'test-results', 'playwright-report'] },
  ...tseslint.configs.recommended,
  hooks.configs.flat.recommended,
);
