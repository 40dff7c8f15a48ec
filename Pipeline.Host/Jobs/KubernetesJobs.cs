using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pipeline.Host.Jobs;

/// <summary>
/// Writes jobs for Kubernetes as JSON, which <c>kubectl apply</c> accepts just as YAML. An array is an Indexed Job. The run is on a volume that every pod
/// mounts at the same place.
/// </summary>
internal sealed class KubernetesJobs : IJobEngine
{
    private const string Volume = "run";
    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true, NewLine = "\n" };

    public string Name => "kubernetes";

    public string Command => "kubectl";

    public string Watch => "kubectl get jobs,pods -l app=alm";

    public IReadOnlyList<JobFile> Write(
        string run, IReadOnlyList<JobStep> steps, JobResources resources, IReadOnlyList<string> alm, string directory, string jobs)
    {
        (JobStep Step, string Name)[] named = [.. steps.Select(s => (s, NameOf(run, s.Name)))];
        return
        [
            .. named.Select(n => new JobFile(n.Step.Name + ".json", Job(n.Name, n.Step, resources, alm, directory).ToJsonString(Layout) + "\n")),
            new JobFile("submit.sh", Submit(named, jobs)),
        ];
    }

    // The name must be a label of a host name: at most 63 lower-case letters, digits and hyphens. Pods append an index to it, so it is kept shorter.
    private static string NameOf(string run, string step)
    {
        string name = string.Concat($"alm-{run}-{step}".ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-'));
        return name[..Math.Min(name.Length, 50)].TrimEnd('-');
    }

    private static JsonObject Job(string name, JobStep step, JobResources resources, IReadOnlyList<string> alm, string directory)
    {
        var container = new JsonObject
        {
            ["name"] = "alm",
            ["image"] = resources.Image,
            ["command"] = new JsonArray([.. alm.Concat(step.Arguments).Select(a => (JsonNode)a)]),
            ["workingDir"] = directory,
            ["resources"] = new JsonObject { ["requests"] = Quantities(resources), ["limits"] = Limits(resources) },
            ["volumeMounts"] = new JsonArray(new JsonObject { ["name"] = Volume, ["mountPath"] = resources.Mount }),
        };
        var spec = new JsonObject
        {
            ["backoffLimit"] = 6,
            // Exit code 75 is a stop at a safe point, for example before an eviction: a new pod continues. An error of the definition (64) or of an input
            // (65) would only come again.
            ["podFailurePolicy"] = new JsonObject
            {
                ["rules"] = new JsonArray(
                    new JsonObject { ["action"] = "Ignore", ["onExitCodes"] = ExitCodes(75) },
                    new JsonObject { ["action"] = "FailJob", ["onExitCodes"] = ExitCodes(64, 65) },
                    new JsonObject { ["action"] = "Ignore", ["onPodConditions"] = new JsonArray(new JsonObject { ["type"] = "DisruptionTarget", ["status"] = "True" }) }),
            },
        };
        if (step.Tasks is { } tasks)
        {
            container["env"] = new JsonArray(new JsonObject { ["name"] = "JOB_COMPLETION_COUNT", ["value"] = tasks.ToString(CultureInfo.InvariantCulture) });
            spec["completionMode"] = "Indexed";
            spec["completions"] = tasks;
            spec["parallelism"] = tasks;
        }
        spec["template"] = new JsonObject
        {
            ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["app"] = "alm" } },
            ["spec"] = new JsonObject
            {
                ["restartPolicy"] = "Never",
                ["terminationGracePeriodSeconds"] = 60,
                ["containers"] = new JsonArray(container),
                ["volumes"] = new JsonArray(new JsonObject { ["name"] = Volume, ["persistentVolumeClaim"] = new JsonObject { ["claimName"] = resources.Claim } }),
            },
        };
        return new JsonObject
        {
            ["apiVersion"] = "batch/v1",
            ["kind"] = "Job",
            ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { ["app"] = "alm" } },
            ["spec"] = spec,
        };
    }

    private static JsonObject ExitCodes(params int[] codes)
        => new() { ["operator"] = "In", ["values"] = new JsonArray([.. codes.Select(c => (JsonNode)c)]) };

    private static JsonObject Quantities(JobResources resources)
    {
        var quantities = new JsonObject { ["cpu"] = resources.Cpus.ToString(CultureInfo.InvariantCulture) };
        if (resources.Memory is not null)
            quantities["memory"] = MemoryOf(resources.Memory);
        return quantities;
    }

    private static JsonObject Limits(JobResources resources)
    {
        var limits = new JsonObject();
        if (resources.Memory is not null)
            limits["memory"] = MemoryOf(resources.Memory);
        if (resources.Gpus > 0)
            limits["nvidia.com/gpu"] = resources.Gpus.ToString(CultureInfo.InvariantCulture);
        return limits;
    }

    // What Slurm writes as 16G, Kubernetes writes as 16Gi.
    private static string MemoryOf(string memory) => memory[^1] is 'K' or 'M' or 'G' or 'T' ? memory + "i" : memory;

    private static string Submit(IReadOnlyList<(JobStep Step, string Name)> jobs, string folder)
    {
        var text = new StringBuilder("#!/bin/bash\n# Starts the jobs, each after the one before; a job that is there is made again. What is committed is skipped.\nset -euo pipefail\n");
        text.Append(CultureInfo.InvariantCulture, $"cd {ShellText.Quote(folder)}\n");
        foreach ((JobStep step, string name) in jobs)
        {
            text.Append(CultureInfo.InvariantCulture, $"kubectl delete job {name} --ignore-not-found\n");
            text.Append(CultureInfo.InvariantCulture, $"kubectl apply -f {ShellText.Quote(step.Name + ".json")}\n");
            text.Append(CultureInfo.InvariantCulture, $"kubectl wait --for=condition=complete --timeout=-1s job/{name} & complete=$!\n");
            text.Append(CultureInfo.InvariantCulture, $"kubectl wait --for=condition=failed --timeout=-1s job/{name} >/dev/null 2>&1 & failed=$!\n");
            // The script waits for whichever comes first, and ends the other.
            text.Append("ok=yes; wait -n $complete $failed || ok=no\n");
            text.Append("kill -0 $failed 2>/dev/null || ok=no\n");
            text.Append("kill $complete $failed 2>/dev/null || true\n");
            text.Append(CultureInfo.InvariantCulture, $"[ $ok = yes ] || {{ echo \"job {name} failed\" >&2; exit 1; }}\n");
        }
        return text.ToString();
    }
}
