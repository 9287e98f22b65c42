
// Shows an error in place of the spinner when a file of the page does not arrive or the page cannot start. It stands
// in the markup: a separate file could be the one that is missing.
(() => {
  const failed = () => {
    if (document.readyState === 'loading') return document.addEventListener('DOMContentLoaded', failed);
    if (document.body.dataset.view) return;
    document.body.dataset.view = 'failed';
    document.getElementById('loading').hidden = true;
    document.getElementById('failed').hidden = false;
  };
  addEventListener('error', failed, true);
  addEventListener('unhandledrejection', failed);
  setTimeout(failed, 30000);
})();
