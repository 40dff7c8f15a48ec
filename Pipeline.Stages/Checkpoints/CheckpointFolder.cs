using System.Globalization;

namespace Pipeline.Stages.Checkpoints;

/// <summary>Names of checkpoints: their step, so that the newest is the last.</summary>
internal static class CheckpointFolder
{
    private const string Prefix = "step-";

    public static string NameOf(long step) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{step:d10}");

    /// <summary>Null if the folder is not a checkpoint by its name.</summary>
    public static long? StepOf(string path)
    {
        string name = Path.GetFileName(path);
        return name.StartsWith(Prefix, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long step) && NameOf(step) == name
            ? step
            : null;
    }
}
