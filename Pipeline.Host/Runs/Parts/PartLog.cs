using System.Globalization;
using System.IO.Hashing;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Graph;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Runs.Parts;

/// <summary>
/// The file of a part while it is being made: a line for every reject as it comes, the counts as the last line, and then it is committed, in
/// one step. A part that fails leaves the same under another name, so that its rejects and its error can be read.
/// </summary>
/// <param name="files">Where it goes.</param>
/// <param name="record">What is known of the part before it is done.</param>
/// <param name="also">Gets every reject too.</param>
internal sealed class PartLog(PartFiles files, PartRecord record, IRejectLog also) : IRejectLog, IDisposable
{
    private readonly Lock _lock = new();
    private readonly XxHash3 _hash = new();
    private readonly StagedFile _file = files.Stage(record.Flow, record.Part);
    private long _lines;
    private bool _closed;

    public void Append(byte[] line)
    {
        lock (_lock)
        {
            _file.Stream.Write(line);
            _hash.Append(line);
            _lines++;
        }
        also.Append(line);
    }

    /// <summary>The part is done.</summary>
    public void Commit(IReadOnlyList<StageCounts> stages, double seconds)
    {
        // A commit that fails may have closed the file, or put it in its place already.
        _closed = true;
        End(record with { Stages = stages, Seconds = seconds }, _file);
    }

    /// <summary>The part failed. A disk that refuses this too is not worth another word: the error that brought us here is the one to report.</summary>
    public void Fail(Exception error, double seconds)
    {
        if (_closed)
            return;
        try
        {
            using StagedFile failed = files.StageFailure(record.Flow, record.Part);
            _file.Stream.Flush();
            _file.Stream.Position = 0;
            _file.Stream.CopyTo(failed.Stream);
            End(record with { Seconds = seconds, Error = error.Message, ExitCode = (error as AlmException)?.ExitCode ?? ExitCodes.Defect }, failed);
        }
        catch (StorageException)
        {
        }
    }

    public void Dispose() => _file.Dispose();

    private void End(PartRecord ended, StagedFile file)
    {
        byte[] line = (ended with { Rejects = _lines, RejectsHash = string.Create(CultureInfo.InvariantCulture, $"{_hash.GetCurrentHashAsUInt64():x16}") }).ToLine();
        file.Stream.Write(line);
        file.Commit();
    }
}
