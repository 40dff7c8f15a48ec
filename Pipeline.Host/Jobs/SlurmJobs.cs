using System.Globalization;
using System.Text;

namespace Pipeline.Host.Jobs;

/// <summary>Writes batch scripts for Slurm, and the shell script that submits them with their dependencies.</summary>
internal sealed class SlurmJobs : IJobEngine
{
    public string Name => "slurm";

    public string Command => "sbatch";

    public string Watch => "squeue --me";

    public IReadOnlyList<JobFile> Write(
        string run, IReadOnlyList<JobStep> steps, JobResources resources, IReadOnlyList<string> alm, string directory, string jobs)
        => [.. steps.Select(s => new JobFile(s.Name + ".sbatch", Script(run, s, resources, alm, directory, jobs))), new JobFile("submit.sh", Submit(steps, jobs))];

    private static string Script(string run, JobStep step, JobResources resources, IReadOnlyList<string> alm, string directory, string jobs)
    {
        bool ranked = step.Tasks is null && resources.Ranks > 1;
        var text = new StringBuilder("#!/bin/bash\n");
        Option("job-name", $"alm-{run}-{step.Name}");
        if (step.Tasks is { } tasks)
            Option("array", string.Create(CultureInfo.InvariantCulture, $"0-{tasks - 1}"));
        if (ranked)
            Option("ntasks", string.Create(CultureInfo.InvariantCulture, $"{resources.Ranks}"));
        Option("cpus-per-task", string.Create(CultureInfo.InvariantCulture, $"{resources.Cpus}"));
        if (resources.Memory is not null)
            Option("mem", resources.Memory);
        if (resources.Gpus > 0)
            Option(ranked ? "gpus-per-task" : "gpus", string.Create(CultureInfo.InvariantCulture, $"{resources.Gpus}"));
        if (resources.Time is not null)
            Option("time", resources.Time);
        if (resources.Partition is not null)
            Option("partition", resources.Partition);
        if (resources.Account is not null)
            Option("account", resources.Account);
        // A task that is stopped, or whose node fails, is started again and skips what is committed. The signal comes a minute before the time limit, so
        // that there is time to stop at a safe point.
        Option("requeue", null);
        Option("open-mode", "append");
        Option("signal", "B:TERM@60");
        Option("output", Path.Combine(jobs, step.Name + (step.Tasks is null ? "-%j.log" : "-%A_%a.log")));
        string command = (ranked ? resources.Launcher + " " : "") + ShellText.Line([.. alm, .. step.Arguments]);
        text.Append($$"""

            cd {{ShellText.Quote(directory)}} || exit 65
            {{command}} &
            child=$!
            trap 'kill -TERM $child' TERM
            wait $child; code=$?
            while kill -0 $child 2>/dev/null; do wait $child; code=$?; done
            # 75: stopped at a safe point; the same job goes on.
            [ $code -eq 75 ] && scontrol requeue "$SLURM_JOB_ID" && sleep 30
            exit $code

            """.ReplaceLineEndings("\n"));
        return text.ToString();

        void Option(string name, string? value)
            => text.Append("#SBATCH --").Append(name).Append(value is null ? "" : "=" + value).Append('\n');
    }

    private static string Submit(IReadOnlyList<JobStep> steps, string jobs)
    {
        var text = new StringBuilder("#!/bin/bash\n# Submits the jobs, each after the one before. What is committed is skipped: submit again to go on.\nset -euo pipefail\n");
        text.Append(CultureInfo.InvariantCulture, $"cd {ShellText.Quote(jobs)}\nafter=\n");
        foreach (JobStep step in steps)
        {
            text.Append(CultureInfo.InvariantCulture, $"after=$(sbatch --parsable ${{after:+--dependency=afterok:$after}} {ShellText.Quote(step.Name + ".sbatch")}); after=${{after%%;*}}\n");
            text.Append(CultureInfo.InvariantCulture, $"echo \"{step.Name}: job $after\"\n");
        }
        return text.ToString();
    }
}
