namespace Pipeline.Contracts.Storage;

/// <summary>A file of <see cref="DiskStorage"/>. Every error names the path, and how far in the file it happened.</summary>
internal sealed class DiskStream(FileStream file, string path) : Stream
{
    public override bool CanRead => file.CanRead;

    public override bool CanSeek => file.CanSeek;

    public override bool CanWrite => file.CanWrite;

    public override long Length => file.Length;

    public override long Position
    {
        get => file.Position;
        set => file.Position = value;
    }

    public override int Read(Span<byte> buffer)
    {
        try
        {
            return file.Read(buffer);
        }
        catch (Exception e) when (StorageErrors.IsSystemError(e))
        {
            throw StorageErrors.Translate("read", path, e, file.Position);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            file.Write(buffer);
        }
        catch (Exception e) when (StorageErrors.IsSystemError(e))
        {
            throw StorageErrors.Translate($"write {buffer.Length} bytes to", path, e, file.Position);
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
        try
        {
            file.Flush();
        }
        catch (Exception e) when (StorageErrors.IsSystemError(e))
        {
            throw StorageErrors.Translate("write", path, e, file.Position);
        }
    }

    /// <summary>Brings what was written to the device (fsync).</summary>
    public void FlushToDevice()
    {
        try
        {
            file.Flush(flushToDisk: true);
        }
        catch (Exception e) when (StorageErrors.IsSystemError(e))
        {
            throw StorageErrors.Translate("sync", path, e, file.Position);
        }
    }

    public override long Seek(long offset, SeekOrigin origin) => file.Seek(offset, origin);

    public override void SetLength(long value)
    {
        try
        {
            file.SetLength(value);
        }
        catch (Exception e) when (StorageErrors.IsSystemError(e))
        {
            throw StorageErrors.Translate("resize", path, e, value);
        }
    }

    protected override void Dispose(bool disposing)
    {
        long? at = disposing && file.CanWrite ? file.Position : null;
        try
        {
            if (disposing)
                file.Dispose();
        }
        catch (Exception e) when (StorageErrors.IsSystemError(e))
        {
            // The stream is closed by now and no longer says how far it got.
            throw StorageErrors.Translate("write", path, e, at);
        }
        finally
        {
            base.Dispose(disposing);
        }
    }
}
