using System.Globalization;
using System.IO.Hashing;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Graph;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Runs.Parts;

/// <summary>
/// The file of a part while the part is being made. Each reject is written as it comes. At the end, the counts are written as the last line, and the file
/// is committed in one step. A part that fails leaves such a file under another name, so that its rejects and its error can be read.
/// </summary>
/// <param name="files">The files of parts, which this one will belong to.</param>
/// <param name="record">What is known of the part before it is done.</param>
/// <param name="also">A log that gets every reject too.</param>
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

    /// <summary>Writes the counts of a part that is done, and commits the file.</summary>
    public void Commit(IReadOnlyList<StageCounts> stages, double seconds)
    {
        // If the commit fails, the file may be closed, or even in its place already. Fail can then no longer copy it.
        _closed = true;
        End(record with { Stages = stages, Seconds = seconds }, _file);
    }

    /// <summary>Writes why the part failed, under the name of a failure. Does nothing after <see cref="Commit"/>.</summary>
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
            // Perhaps the disk is full. The error of the part is the one to report, and the caller does so.
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
