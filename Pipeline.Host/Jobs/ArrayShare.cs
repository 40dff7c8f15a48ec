using System.Globalization;
using Pipeline.Contracts.Errors;

namespace Pipeline.Host.Jobs;

/// <summary>Which share of the work a task of an array has, as the scheduler's environment says it.</summary>
internal static class ArrayShare
{
    /// <summary>
    /// Slurm: the task's number less the smallest, in steps of the array, of as many tasks. Kubernetes: the index of the completion, of
    /// <c>JOB_COMPLETION_COUNT</c>, which Kubernetes does not set and a job of <c>alm submit</c> does.
    /// </summary>
    /// <exception cref="DefinitionException">There is no array, or it has holes.</exception>
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
