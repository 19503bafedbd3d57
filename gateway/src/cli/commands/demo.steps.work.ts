import { claim, type Step, type Tour } from "./demo.tour.ts";

type Job = { readonly id: number; readonly status: string; readonly retry_count: number };
type Attempt = { readonly attempt: number; readonly outcome: string; readonly cost_usd: string };

export const doesItGetDone: Step = {
  title: "Does it get done?",
  async walk(tour) {
    const job = await submit(tour, { payload: { task: "Build a login page", model: "steady/sim-500-n2" } });
    const done = await settled(tour, job, "completed");
    tour.show(done, `200 ${jobText(done.read())}`);
    const costs = await tour.ask(`GET /costs/jobs/${job.id}`, { as: "KEY" });
    const { attempts } = costs.read<{ attempts: Attempt[] }>();
    tour.show(
      costs,
      ...attempts.map(({ attempt, outcome, cost_usd }) => {
        return `200 {"attempt":${attempt},"outcome":"${outcome}","cost_usd":"${cost_usd}", …}`;
      }),
    );
    const outcomes = attempts.map(({ outcome }) => outcome).join(" ");
    claim(outcomes === "failed failed completed", `it fails twice and then completes, not: ${outcomes}`);
    return "A job is a call that is kept until it is done. This one failed twice, waited longer each time, and completed; each attempt has its cost.";
  },
};

export const whatIfItKeepsFailing: Step = {
  title: "What if it keeps failing?",
  async walk(tour) {
    const payload = { task: "Build a login page", model: "steady/sim-500-n1" };
    const job = await submit(tour, { max_retries: 0, payload });
    await settled(tour, job, "dead_letter");
    const letters = await tour.ask("GET /jobs/dead-letter", { as: "KEY" });
    const found = letters.read<{ items: Job[] }>().items.find(({ id }) => id === job.id);
    claim(found !== undefined, "the job is among the dead letters");
    tour.show(letters, `200 ${jobText(found)}`);
    const retried = await tour.ask(`POST /jobs/${job.id}/retry`, { as: "KEY" });
    claim(retried.status === 200, `a dead letter can be retried: ${retried.text}`);
    tour.show(retried, `200 ${jobText(retried.read())}`);
    const done = await settled(tour, job, "completed");
    tour.show(done, `200 ${jobText(done.read())}`);
    return "A job that failed for the last time is not lost: it waits among the dead letters until somebody retries it.";
  },
};

async function submit(tour: Tour, fields: object): Promise<Job> {
  const project = await tour.ask("POST /projects", { as: "KEY", json: { name: "jobs" } });
  claim(project.status === 201, `a project is made: ${project.text}`);
  const { id } = project.read<{ id: number }>();
  const json = { project_id: id, type: "implement_feature", ...fields };
  const answer = await tour.ask("POST /jobs", { as: "KEY", json });
  claim(answer.status === 201, `a job is taken: ${answer.text}`);
  tour.show(answer, `201 ${jobText(answer.read())}`);
  return answer.read();
}

function settled(tour: Tour, { id }: Job, wanted: string) {
  return tour.until(`GET /jobs/${id}`, { as: "KEY" }, (answer) => answer.read<Job>().status === wanted);
}

function jobText({ id, status, retry_count }: Job): string {
  return `{"id":${id},"status":"${status}","retry_count":${retry_count}, …}`;
}
