using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Files;

namespace Pipeline.Host.Runs;

/// <summary><c>errors.jsonl</c>: the errors that ended a run early, for those who see its folder but not its terminal.</summary>
internal static class ErrorLog
{
    public static void Append(IStorage storage, string folder, Exception error, DateTimeOffset time)
    {
        var line = new JsonObject
        {
            ["time"] = time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
            ["exitCode"] = (error as AlmException)?.ExitCode ?? ExitCodes.Defect,
            ["message"] = error.Message,
        };
        try
        {
            using Stream stream = storage.OpenAppend(Path.Combine(folder, RunFiles.Errors));
            stream.Write(Encoding.UTF8.GetBytes(line.ToJsonString() + "\n"));
            stream.Flush();
        }
        catch (StorageException)
        {
            // Perhaps the disk is full. The error of the run is the one to report, and the caller does so.
        }
    }
}
