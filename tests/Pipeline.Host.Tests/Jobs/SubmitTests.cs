using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using k8s.Models;
using Pipeline.Contracts.Errors;

namespace Pipeline.Host.Tests.Jobs;

/// <summary>The files of <c>alm submit</c>, and what is started with them: by stand-ins that write down how they were called.</summary>
public sealed class SubmitTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Run => _folder["run"];

    /// <summary>A piece, parts, a piece, parts: five jobs.</summary>
    private string Definition() => _folder.Write("d.json", """
        { "name": "My_Run", "flows": [
          { "name": "texts", "stages": [ { "stage": "make-texts", "count": 10 }, { "stage": "write-lines", "to": "out.txt" } ] },
          { "name": "score", "stages": [ { "stage": "make-texts", "count": 10 }, { "stage": "write-parts", "count": 6 } ] },
          { "name": "train", "stages": [ { "stage": "make-texts", "count": 10 }, { "stage": "train", "steps": 5 } ] } ] }
        """);

    private Task<AlmAnswer> Submit(string engine, string[] more, Func<string, string?>? variable = null)
        => Alm.RunAsync(["submit", Definition(), "--run", Run, "--engine", engine, .. more], variable: variable);

    [Fact]
    public async Task Slurm_gets_an_array_for_parts_and_one_job_for_what_is_before_and_after()
    {
        AlmAnswer answer = await Submit("slurm", ["--tasks", "4", "--cpus", "2", "--memory", "16G", "--gpus", "1", "--time", "1:00:00", "--partition", "gpu", "--ranks", "2", "--command", "/opt/alm it's"]);

        Assert.Equal("", answer.Error);
        Assert.Equal(0, answer.Code);
        Assert.Contains("alm status", answer.Output, StringComparison.Ordinal);
        string jobs = Path.Combine(Run, "jobs", "slurm");
        Assert.Equal(["run-texts.sbatch", "run.sbatch", "score.sbatch", "submit.sh"], Directory.GetFiles(jobs).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        string score = await File.ReadAllTextAsync(Path.Combine(jobs, "score.sbatch"));
        foreach (string line in new[] { "--array=0-3", "--cpus-per-task=2", "--mem=16G", "--gpus=1", "--time=1:00:00", "--partition=gpu", "--requeue", "--signal=B:TERM@60" })
            Assert.Contains($"\n#SBATCH {line}\n", score, StringComparison.Ordinal);
        Assert.Contains($"\n/opt/alm 'it'\\''s' work {Run}/definition.json --run {Run} --plain --flow score &\n", score, StringComparison.Ordinal);
        Assert.DoesNotContain("ntasks", score, StringComparison.Ordinal);
        string run = await File.ReadAllTextAsync(Path.Combine(jobs, "run.sbatch"));
        Assert.Contains("\n#SBATCH --ntasks=2\n", run, StringComparison.Ordinal);
        Assert.Contains("\nsrun --mpi=pmix /opt/alm ", run, StringComparison.Ordinal);
        Assert.Contains("--through texts &", await File.ReadAllTextAsync(Path.Combine(jobs, "run-texts.sbatch")), StringComparison.Ordinal);
        foreach (string script in Directory.GetFiles(jobs))
            Assert.Equal(0, Bash("-n", script).Code);
    }

    [Fact]
    public async Task Started_with_slurm_each_job_depends_on_the_one_before()
    {
        Func<string, string?> path = StandIn("sbatch", "echo \"$@\" >> \"$LOG\"; echo $(( $(wc -l < \"$LOG\") + 40 ))';cluster'");

        AlmAnswer answer = await Submit("slurm", ["--start"], path);

        Assert.Equal("", answer.Error);
        Assert.Equal(0, answer.Code);
        Assert.Contains("score: job 42", answer.Output, StringComparison.Ordinal);
        Assert.Equal(
            ["--parsable run-texts.sbatch", "--parsable --dependency=afterok:41 score.sbatch", "--parsable --dependency=afterok:42 run.sbatch"],
            await File.ReadAllLinesAsync(_folder["log"]));
    }

    [Fact]
    public async Task A_scheduler_that_is_not_there_or_refuses_is_named()
    {
        AlmAnswer none = await Submit("slurm", ["--start"], name => name == "PATH" ? "/nowhere" : null);
        AlmAnswer refused = await Submit("slurm", ["--start"], StandIn("sbatch", "echo 'no such partition' >&2; exit 1"));

        Assert.Equal(ExitCodes.Input, none.Code);
        Assert.Contains("sbatch is not on the PATH", none.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Input, refused.Code);
        Assert.Contains("no such partition", refused.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Definition, (await Submit("pbs", [])).Code);
        Assert.Equal(ExitCodes.Definition, (await Submit("slurm", ["--memory", "lots"])).Code);
    }

    [Fact]
    public async Task Kubernetes_gets_jobs_that_its_own_types_read_without_a_key_left_over()
    {
        AlmAnswer answer = await Submit("kubernetes", ["--tasks", "3", "--cpus", "2", "--memory", "16G", "--gpus", "1", "--image", "registry.example/alm:1", "--claim", "work", "--mount", "/work"]);

        Assert.Equal("", answer.Error);
        var strict = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
            Converters = { new IntOrStringConverter(), new QuantityConverter() },
        };
        string[] files = [.. Directory.GetFiles(Path.Combine(Run, "jobs", "kubernetes"), "*.json")];
        Assert.Equal(3, files.Length);
        foreach (string file in files)
        {
            V1Job job = JsonSerializer.Deserialize<V1Job>(await File.ReadAllTextAsync(file), strict)!;
            Assert.Equal(("batch/v1", "Job"), (job.ApiVersion, job.Kind));
            Assert.Matches("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", job.Metadata.Name);
            V1PodSpec pod = job.Spec.Template.Spec;
            Assert.Equal("Never", pod.RestartPolicy);
            Assert.Equal("work", Assert.Single(pod.Volumes).PersistentVolumeClaim.ClaimName);
            V1Container container = Assert.Single(pod.Containers);
            Assert.Equal("/work", Assert.Single(container.VolumeMounts).MountPath);
            Assert.Equal("registry.example/alm:1", container.Image);
            Assert.Equal("16Gi", container.Resources.Limits["memory"].ToString());
            Assert.Equal("1", container.Resources.Limits["nvidia.com/gpu"].ToString());
            Assert.Equal("alm", container.Command[0]);
            if (!file.EndsWith("score.json", StringComparison.Ordinal))
                continue;
            Assert.Equal(("Indexed", 3, 3), (job.Spec.CompletionMode, job.Spec.Completions, job.Spec.Parallelism));
            Assert.Equal(("JOB_COMPLETION_COUNT", "3"), (Assert.Single(container.Env).Name, container.Env[0].Value));
            Assert.Contains(job.Spec.PodFailurePolicy.Rules, r => r.Action == "Ignore" && r.OnExitCodes?.Values.Contains(ExitCodes.Interrupted) == true);
        }
        Assert.Equal(0, Bash("-n", Path.Combine(Run, "jobs", "kubernetes", "submit.sh")).Code);
    }

    [Fact]
    public async Task Started_with_kubernetes_each_job_is_waited_for()
    {
        // A recording stand-in: no cluster was asked.
        Func<string, string?> path = StandIn("kubectl", "echo \"$@\" >> \"$LOG\"; case \"$*\" in *condition=failed*) exec sleep 9;; esac");

        AlmAnswer answer = await Submit("kubernetes", ["--start"], path);

        Assert.Equal("", answer.Error);
        Assert.Equal(0, answer.Code);
        string[] calls = await File.ReadAllLinesAsync(_folder["log"]);
        Assert.Equal(["apply -f run-texts.json", "apply -f score.json", "apply -f run.json"], calls.Where(c => c.StartsWith("apply", StringComparison.Ordinal)));
        Assert.Equal(3, calls.Count(c => c.StartsWith("wait --for=condition=complete", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Through_a_flow_a_run_ends_there_and_goes_on_without_it()
    {
        AlmAnswer first = await Alm.RunAsync(["run", Definition(), "--run", Run, "--through", "score"]);
        Assert.Equal(0, first.Code);
        Assert.Contains("flow 'train' is next", first.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(Run, "report.json")));

        AlmAnswer second = await Alm.RunAsync(["run", Definition(), "--run", Run]);
        Assert.Equal(0, second.Code);
        Assert.Contains("flow 'score' is done already", second.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(Run, "report.json")));
        Assert.Equal(ExitCodes.Definition, (await Alm.RunAsync(["run", Definition(), "--run", Run, "--through", "other"])).Code);
    }

    /// <summary>A command of that name which does this, first on a PATH of its own.</summary>
    private Func<string, string?> StandIn(string name, string does)
    {
        string script = _folder.Write(name, $"#!/bin/bash\nLOG='{_folder["log"]}'\n{does}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return variable => variable == "PATH" ? $"{Path.GetDirectoryName(script)}:{Environment.GetEnvironmentVariable("PATH")}" : null;
    }

    private static (int Code, string Error) Bash(params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("bash", arguments) { RedirectStandardError = true })!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, error);
    }

    private sealed class QuantityConverter : JsonConverter<ResourceQuantity>
    {
        public override ResourceQuantity Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetString()!);

        public override void Write(Utf8JsonWriter writer, ResourceQuantity value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
    }

    private sealed class IntOrStringConverter : JsonConverter<IntOrString>
    {
        public override IntOrString Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetString()!;

        public override void Write(Utf8JsonWriter writer, IntOrString value, JsonSerializerOptions options) => throw new NotSupportedException();
    }
}
