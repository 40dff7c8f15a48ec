namespace Pipeline.Stages.Objectives;

/// <summary>Sizes of the two models that objectives with hidden states need. A depth of L has hidden states 0..L.</summary>
internal sealed record ModelShapes(int StudentDepth, int StudentWidth, int TeacherDepth, int TeacherWidth);
