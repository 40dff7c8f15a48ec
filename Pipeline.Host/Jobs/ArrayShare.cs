using System.Globalization;
using Pipeline.Contracts.Errors;

namespace Pipeline.Host.Jobs;

/// <summary>Finds out which share of the work a task of a job array has, from the environment variables of the scheduler.</summary>
internal static class ArrayShare
{
    /// <summary>
    /// The number of this process's share, from 0, and how many shares there are. Slurm numbers the tasks of an array from any number and in any step.
    /// Kubernetes gives the index of a completion. It does not say how many completions there are, so jobs of <c>alm submit</c> set
    /// <c>JOB_COMPLETION_COUNT</c>.
    /// </summary>
    /// <param name="variable">The value of an environment variable; null if it is not set.</param>
    /// <exception cref="DefinitionException">The process is not a task of an array, or the array has gaps.</exception>
    public static (int Index, int Count) Of(Func<string, string?> variable)
    {
        if (Number("SLURM_ARRAY_TASK_ID") is { } id)
        {
            int step = Number("SLURM_ARRAY_TASK_STEP") ?? 1;
            return Checked((id - Required("SLURM_ARRAY_TASK_MIN")) / Math.Max(step, 1), Required("SLURM_ARRAY_TASK_COUNT"), "SLURM_ARRAY_TASK_ID");
        }
        if (Number("JOB_COMPLETION_INDEX") is { } index)
            return Checked(index, Required("JOB_COMPLETION_COUNT"), "JOB_COMPLETION_INDEX");
        throw new DefinitionException("--parts is missing: give K/N, or start the command as a task of an array (SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX is not set)");

        int? Number(string name) => variable(name) is not { Length: > 0 } text ? null
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number
            : throw new DefinitionException($"{name}: found '{text}', expected a number; give --parts K/N instead");

        int Required(string name) => Number(name) ?? throw new DefinitionException($"{name} is not set, so the number of shares is unknown; give --parts K/N");
    }

    private static (int Index, int Count) Checked(int index, int count, string name)
        => index >= 0 && index < count
            ? (index, count)
            : throw new DefinitionException($"{name} makes this share {index} of {count}: the array has holes. Start all its tasks (what is committed is skipped), or give --parts K/N");
}
